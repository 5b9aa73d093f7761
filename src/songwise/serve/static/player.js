// Plays the song: the whole of it, from any place, or one segment. One sound at a time on the page.
import { clock, get, put } from "./dom.js";

const CANNOT_PLAY = "Your browser cannot play this file's format. The verdict and the pictures are not affected.";

/** Set the player up. `onTime` receives the position in seconds and whether the song plays. */
export function createPlayer({ onTime, onPlayable }) {
  const [audio, play, seek, time, stage, playhead] = ["audio", "play", "seek", "time", "stage", "playhead"].map(get);
  let seconds = 0;
  let end = Infinity; // where the segment that plays ends
  let address = null;
  let playable = false;

  const show = (position = audio.currentTime) => {
    const share = seconds ? Math.min(1, position / seconds) : 0;
    playhead.style.setProperty("--share", share);
    seek.value = position;
    seek.setAttribute("aria-valuetext", `${clock(position)} of ${clock(seconds)}`);
    time.textContent = `${clock(position)} / ${clock(seconds)}`;
    onTime(position, !audio.paused);
  };
  const stopAtEnd = () => {
    if (audio.currentTime < end) return;
    audio.pause();
    audio.currentTime = end;
    end = Infinity;
  };
  const follow = () => {
    stopAtEnd();
    show();
    if (!audio.paused) requestAnimationFrame(follow);
  };
  const setPlayable = (value) => {
    playable = value;
    play.disabled = seek.disabled = !value;
    onPlayable(value);
  };
  const jump = (position) => {
    end = Infinity;
    if (playable) audio.currentTime = position;
    show(position);
  };

  play.addEventListener("click", () => {
    end = Infinity;
    if (audio.paused) audio.play().catch(() => {});
    else audio.pause();
  });
  seek.addEventListener("input", () => jump(Number(seek.value)));
  stage.addEventListener("click", (event) => {
    const { left, width } = stage.getBoundingClientRect();
    if (playable) jump(Math.max(0, Math.min(seconds, (seconds * (event.clientX - left)) / width)));
  });
  audio.addEventListener("play", () => {
    play.textContent = "Pause";
    follow();
  });
  audio.addEventListener("pause", () => {
    play.textContent = "Play";
    show();
  });
  audio.addEventListener("timeupdate", stopAtEnd); // frames stop in a hidden tab
  audio.addEventListener("seeked", () => show());
  audio.addEventListener("loadedmetadata", () => {
    if (audio.duration === Infinity)
      audio.currentTime = 1e6; // a recording has no length until its end was read
    else setPlayable(true);
  });
  audio.addEventListener("durationchange", () => {
    if (playable || !Number.isFinite(audio.duration)) return;
    audio.currentTime = 0;
    setPlayable(true);
  });
  audio.addEventListener("error", () => {
    if (!address) return;
    setPlayable(false);
    put(get("player-note"), CANNOT_PLAY);
  });

  return {
    load(file, length) {
      this.unload();
      seconds = length;
      seek.max = length;
      address = URL.createObjectURL(file);
      audio.src = address;
      show(0);
    },
    unload() {
      audio.pause();
      put(get("player-note"), "");
      setPlayable(false);
      if (!address) return;
      URL.revokeObjectURL(address);
      address = null;
      audio.removeAttribute("src");
      audio.load();
    },
    playSegment(start, length) {
      if (!playable) return;
      audio.currentTime = start;
      end = start + length;
      audio.play().catch(() => {});
    },
  };
}

/** Pause whatever plays when another sound starts. */
export function playOneAtATime() {
  let current = null;
  document.addEventListener(
    "play",
    (event) => {
      if (current !== event.target) current?.pause();
      current = event.target;
    },
    true,
  );
}
