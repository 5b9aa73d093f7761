// The model card in words. Any number may be missing, and its sentence is then left out.
import { create, duration, get, percent, put, size } from "./dom.js";

const NAMED = 30; // classes on the start page
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** Return how often the model is right on new songs. */
export function accuracySentence({ song_accuracy: share, song_accuracy_low: low, song_accuracy_high: high }) {
  if (!isNumber(share)) return "How often this model is right on new songs is not known.";
  const interval = isNumber(low) && isNumber(high) ? ` [${Math.round(100 * low)}, ${Math.round(100 * high)}]` : "";
  return `On songs it has never heard, this model is right for ${percent(share)}${interval}.`;
}

/** Return what guessing gives, and what is left of the accuracy after the correction for the choice of the model. */
export function comparison({ guessing, model, best, corrected_song_accuracy: corrected, best_song_accuracy: highest }) {
  const sentences = [];
  if (isNumber(guessing)) sentences.push(`Guessing would be right for ${percent(guessing)}.`);
  if (isNumber(corrected) && isNumber(highest) && percent(corrected) !== percent(highest)) {
    const which = model === best ? "It is the best of several models" : `The best of several models is ${best}`;
    sentences.push(`${which}. Corrected for this choice, expect ${percent(corrected)}.`);
  }
  return sentences.join(" ");
}

/** Return a warning if the files alone, without the music, tell the classes apart. */
export function factsWarning({ file_facts: facts, guessing, label }) {
  if (!isNumber(facts) || facts < (guessing ?? 0) + 0.1) return "";
  return (
    `Bit rate, length and sample rate alone identify the ${label} of ${percent(facts)} of the training songs. ` +
    "The model may judge the file rather than the music."
  );
}

/** Show the model's facts on the start page and in the details. */
export function showCard(card) {
  get("dataset").textContent = card.title || card.dataset;
  get("question").textContent = card.label ? `Which ${card.label} is this?` : "What is this song?";
  put(get("limits"), limitsSentence(card.limits));
  put(get("about-accuracy"), accuracySentence(card));
  put(get("about-classes"), classesSentence(card.classes));
  get("facts").replaceChildren(
    ...facts(card)
      .filter(([, text]) => text)
      .flatMap(([name, text]) => [create("dt", { text: name }), create("dd", { text })]),
  );
}

function classesSentence(classes) {
  const rest = classes.length - NAMED;
  const names = rest > 1 ? [...classes.slice(0, NAMED), `and ${rest} more`] : classes;
  return `It knows ${classes.length} classes: ${names.join(", ")}.`;
}

function limitsSentence({ max_bytes: bytes, max_seconds: seconds } = {}) {
  const limits = [isNumber(bytes) && size(bytes), isNumber(seconds) && duration(seconds)].filter(Boolean);
  return `Most audio formats work${limits.length ? `, up to ${limits.join(" and ")}` : ""}.`;
}

function facts(card) {
  return [
    ["Data set", `${card.title || card.dataset}${isNumber(card.n_songs) ? `, ${card.n_songs} songs` : ""}`],
    ["Classes", card.classes.join(", ")],
    ["Model", [card.model, card.reason].filter(Boolean).join(". ")],
    ["Protocol of the test", card.protocol],
    ["Accuracy on new songs", `${accuracySentence(card)} The brackets are the 95\u00a0% interval. ${comparison(card)}`],
    ["With random clips", randomSentence(card)],
    ["File facts", factsWarning(card) || quietFacts(card)],
    ["Calibration", calibrationSentence(card.calibration?.song)],
    ["Novelty", noveltySentence(card.novelty)],
    ["Licences of the data", card.licenses?.join(", ")],
    ["Citation", card.citation],
    ["Commit", card.git_commit],
  ];
}

function randomSentence({ random_clips_song_accuracy: share }) {
  if (!isNumber(share)) return "";
  return (
    `${percent(share)} if clips of the same song are in both the training and the test set. ` +
    "Do not expect this on new songs."
  );
}

function quietFacts({ file_facts: share, label }) {
  if (!isNumber(share)) return "";
  return (
    `Bit rate, length and sample rate alone identify the ${label} of ${percent(share)} of the songs, ` +
    "about as many as guessing."
  );
}

function calibrationSentence(calibration) {
  const { ece_before: before, ece_after: after } = calibration ?? {};
  if (!isNumber(after)) return "";
  const first = isNumber(before) ? ` (${percent(before)} before calibration)` : "";
  return `Probabilities differ from how often the model is right by ${percent(after)} on average${first}.`;
}

function noveltySentence({ refused, auroc } = {}) {
  const sentences = [];
  if (isNumber(refused))
    sentences.push(
      `About 5 % of songs of known classes are called unlike the training music, and ${percent(refused)} of songs of ` +
        "unknown classes.",
    );
  if (isNumber(auroc)) {
    sentences.push(
      `A song of an unknown class looks more unusual than one of a known class in ${percent(auroc)} of pairs.`,
    );
  }
  return sentences.join(" ");
}
