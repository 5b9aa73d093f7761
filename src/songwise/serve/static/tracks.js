// The nearest tracks, each with a player.
import { clock, create, get } from "./dom.js";

/** Show the nearest tracks; none hides the section. */
export function showTracks(similar) {
  get("similar").hidden = !similar.length;
  for (const audio of get("tracks").querySelectorAll("audio")) audio.pause();
  const farthest = Math.max(1e-9, ...similar.map(({ distance }) => distance));
  get("tracks").replaceChildren(...similar.map((track) => row(track, farthest)));
}

function row(track, farthest) {
  const title = track.title || track.track_id;
  const bar = create("span", { className: "track", children: [create("span", { className: "fill" })] });
  bar.setAttribute("aria-hidden", "true");
  bar.style.setProperty("--share", track.distance / farthest);
  const words = create("div", {
    className: "words",
    children: [
      create("p", { className: "name title", text: title }),
      create("p", {
        className: "name quiet",
        text: [...new Set([track.artist, track.label])].filter(Boolean).join(" · "),
      }),
    ],
  });
  const distance = create("p", {
    className: "distance",
    children: [create("span", { className: "digits", text: `distance ${track.distance.toFixed(2)}` }), bar],
  });
  return create("li", { children: [track.audio ? player(track.audio, title) : silence(), words, distance] });
}

function silence() {
  return create("span", { className: "quiet silence", text: "no audio" });
}

function player(address, title) {
  const action = create("span", { text: "Play" });
  const time = create("span", { className: "digits" });
  const button = create("button", {
    type: "button",
    children: [action, create("span", { className: "unseen", text: ` ${title}` }), " ", time],
  });
  const audio = create("audio", { preload: "none", src: address.replace(/^\//, "") });
  button.addEventListener("click", () => (audio.paused ? audio.play().catch(() => {}) : audio.pause()));
  audio.addEventListener("play", () => (action.textContent = "Pause"));
  audio.addEventListener("pause", () => (action.textContent = "Play"));
  audio.addEventListener("timeupdate", () => (time.textContent = clock(audio.currentTime)));
  audio.addEventListener("error", () => {
    button.disabled = true;
    action.textContent = "Cannot be played";
    time.textContent = "";
  });
  return create("div", { className: "sound", children: [button, audio] });
}
