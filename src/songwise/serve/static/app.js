// The page of `songwise serve`: choose, drop or record a song, and see what the model says about it.
import { classify, fetchCard, Problem } from "./api.js";
import { showCard } from "./card.js";
import { announce, clock, get, percent, put, size } from "./dom.js";
import { createPictures } from "./drawing.js";
import { createPlayer, playOneAtATime } from "./player.js";
import { startRecording } from "./recorder.js";
import { createTimeline } from "./timeline.js";
import { showTracks } from "./tracks.js";
import { showClasses, showVerdict, verdictLine } from "./verdict.js";

const VIEWS = ["recording", "working", "problem", "result"];

let card = null;
let job = null; // the AbortController of the request that runs
let recording = null;
let last = null; // the file to try again
let shownProblem = null;

const drawPicture = createPictures(get("waveform"), get("spectrogram"));
const timeline = createTimeline((start, seconds) => player.playSegment(start, seconds));
const player = createPlayer({
  onTime: (position, plays) => timeline.mark(position, plays),
  onPlayable: (playable) => timeline.setPlayable(playable),
});

/** Show one view, and move the focus to its heading. */
function show(view) {
  document.body.dataset.view = view;
  for (const name of VIEWS) get(name).hidden = name !== view;
  get("source").hidden = view === "recording" || view === "working";
  const target = {
    recording: "recording-title",
    working: "working-title",
    problem: "problem-title",
    result: "verdict-title",
  };
  get(target[view] ?? "choose").focus();
}

function showProblem(problem, name = "") {
  shownProblem = problem;
  document.title = "Problem · songwise";
  put(get("problem-file"), name);
  put(get("problem-text"), problem.message);
  get("again").hidden = !problem.again;
  show("problem");
  announce(problem.message);
  countDown(problem);
}

/** Keep "Try again" disabled for as long as the server asks for. */
async function countDown(problem) {
  const { retryAfter } = problem;
  const again = get("again");
  again.disabled = Boolean(retryAfter);
  put(get("problem-wait"), "");
  if (!retryAfter) return;
  for (let left = retryAfter; left > 0; left -= 1) {
    put(get("problem-wait"), `You can try again in ${left} second${left === 1 ? "" : "s"}.`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    if (shownProblem !== problem || get("problem").hidden) return;
  }
  put(get("problem-wait"), "You can try again now.");
  announce("You can try again now.");
  again.disabled = false;
}

/** Return why a file is not worth its upload, if it is not. */
function refuse(file) {
  const most = card?.limits?.max_bytes ?? Infinity;
  if (!file.size) return "This file is empty. Choose another file.";
  if (file.size <= most) return "";
  return `This file is too big: ${size(file.size)}. At most ${size(most)} are allowed. Shorten or compress it.`;
}

async function send(file) {
  job?.abort();
  recording?.discard();
  recording = null;
  last = file;
  player.unload();
  const refusal = refuse(file);
  if (refusal) {
    showProblem(new Problem(refusal), file.name);
    return;
  }
  const own = new AbortController();
  job = own;
  put(get("working-file"), file.name);
  showProgress(0);
  show("working");
  try {
    const answer = await classify(file, file.name, { onProgress: showProgress, signal: own.signal });
    if (job === own) showAnswer(file, answer);
  } catch (error) {
    if (job === own)
      showProblem(error instanceof Problem ? error : new Problem(`This page failed: ${error.message}.`), file.name);
  } finally {
    if (job === own) job = null;
  }
}

function showProgress(share) {
  const [progress, title] = [get("progress"), get("working-title")];
  if (share < 1) {
    progress.value = share;
    title.textContent = `Uploading, ${percent(share)}`;
    if (Math.floor(share * 4) > Math.floor((showProgress.before ?? 0) * 4)) announce(title.textContent);
  } else if (title.textContent !== "Listening…") {
    progress.removeAttribute("value");
    title.textContent = "Listening…";
    announce("Uploaded. Listening…");
  }
  showProgress.before = share;
}

function showAnswer(file, answer) {
  if (answer.status !== "ok") {
    showProblem(new Problem(answer.reason), file.name);
    return;
  }
  const classes = card.classes;
  showVerdict(answer, card);
  showClasses(answer.probabilities, classes);
  timeline.fill(answer.timeline, answer.seconds, classes);
  showTracks(answer.similar ?? []);
  show("result");
  drawPicture(answer.picture);
  player.load(file, answer.seconds);
  document.title = `${verdictLine(answer)} · songwise`;
  announce(`Verdict: ${verdictLine(answer)}.`);
  window.scrollTo(0, 0);
}

async function record() {
  get("record").disabled = true; // while the browser asks for the microphone
  try {
    recording = await startRecording();
  } catch (problem) {
    showProblem(problem);
    return;
  } finally {
    get("record").disabled = false;
  }
  job?.abort();
  job = null;
  player.unload();
  const own = recording;
  const start = performance.now();
  const most = card?.limits?.max_seconds ?? Infinity;
  get("elapsed").textContent = clock(0);
  show("recording");
  announce("Recording.");
  const timer = setInterval(() => {
    const seconds = (performance.now() - start) / 1000;
    get("elapsed").textContent = clock(seconds);
    if (recording !== own) clearInterval(timer);
    else if (seconds >= most - 1) finishRecording();
  }, 200);
}

async function finishRecording() {
  const own = recording;
  recording = null;
  if (own) await send(await own.stop());
}

function cancel(message) {
  recording?.discard();
  recording = null;
  job?.abort();
  job = null;
  show("start");
  announce(message);
}

function connectDrop() {
  let depth = 0; // dragenter and dragleave come for every element on the way
  const shade = (change) => {
    depth = Math.max(0, depth + change);
    get("drop").hidden = depth === 0;
  };
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => hasFiles(event) && shade(1));
  addEventListener("dragleave", (event) => hasFiles(event) && shade(-1));
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    shade(-depth);
    const folder = event.dataTransfer.items?.[0]?.webkitGetAsEntry?.()?.isDirectory;
    if (folder)
      showProblem(
        new Problem("This is a folder. Drop one song, or classify a folder with `songwise classify FOLDER`."),
      );
    else if (event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
  });
}

function connectButtons() {
  const input = get("file");
  get("choose").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const [file] = input.files;
    if (file) send(file);
    input.value = ""; // the same file can be chosen again
  });
  get("record").addEventListener("click", record);
  get("stop").addEventListener("click", finishRecording);
  get("discard").addEventListener("click", () => cancel("The recording was discarded."));
  get("cancel").addEventListener("click", () => cancel("Cancelled."));
  get("again").addEventListener("click", () => (card ? send(last) : start()));
}

async function start() {
  try {
    card = await fetchCard();
    showCard(card);
    if (!get("problem").hidden) show("start");
  } catch (problem) {
    showProblem(problem);
    get("source").hidden = true;
  }
}

playOneAtATime();
connectDrop();
connectButtons();
start();
