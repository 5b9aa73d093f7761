// One button per segment, a strip of colours under the pictures, and the same as a table.
import { clock, colour, create, get, percent } from "./dom.js";

/** Set the timeline up. `onPress` receives the start and the length of a segment in seconds. */
export function createTimeline(onPress) {
  const group = get("timeline");
  let segments = [];
  let playing = -1;

  const focus = (index) => {
    for (const [place, button] of [...group.children].entries()) button.tabIndex = place === index ? 0 : -1;
    group.children[index].focus();
  };
  group.addEventListener("keydown", (event) => {
    const here = [...group.children].indexOf(event.target);
    const last = group.children.length - 1;
    const places = {
      ArrowRight: here + 1,
      ArrowDown: here + 1,
      ArrowLeft: here - 1,
      ArrowUp: here - 1,
      Home: 0,
      End: last,
    };
    if (here < 0 || !(event.key in places)) return;
    event.preventDefault();
    focus(Math.max(0, Math.min(last, places[event.key])));
  });

  return {
    fill(timeline, total, classes) {
      segments = timeline;
      playing = -1;
      group.replaceChildren(...timeline.map((segment, index) => button(segment, classes, index, onPress)));
      get("timeline-rows").replaceChildren(...timeline.map(row));
      get("strip").replaceChildren(...runs(timeline).map((run) => band(run, total, classes)));
    },
    mark(position, plays) {
      const index = plays
        ? segments.findIndex(({ start, seconds }) => position >= start && position < start + seconds)
        : -1;
      if (index === playing) return;
      group.children[playing]?.removeAttribute("aria-current");
      group.children[index]?.setAttribute("aria-current", "true");
      playing = index;
    },
    setPlayable(playable) {
      for (const button of group.children) button.setAttribute("aria-disabled", String(!playable));
    },
  };
}

function button(segment, classes, index, onPress) {
  const { start, seconds, label, probability } = segment;
  const element = create("button", {
    type: "button",
    className: `segment ${colour(label, classes)}`,
    tabIndex: index ? -1 : 0,
    children: [
      create("span", { className: "unseen", text: "Play " }),
      create("span", { className: "digits", text: clock(start) }),
      create("span", { className: "unseen", text: ` to ${clock(start + seconds)}: ` }),
      create("strong", { text: label }),
      create("span", { className: "unseen", text: ", " }),
      create("span", { className: "digits", text: percent(probability) }),
    ],
  });
  element.addEventListener("click", () => onPress(start, seconds));
  return element;
}

function row({ start, seconds, label, probability }) {
  const cells = [clock(start), clock(start + seconds), label, percent(probability)];
  return create("tr", { children: cells.map((text) => create("td", { text })) });
}

/** Return the stretches of equal labels, so that a strip of many segments has room for their names. */
function runs(timeline) {
  const joined = [];
  for (const { start, seconds, label } of timeline) {
    const last = joined.at(-1);
    if (last?.label === label && start <= last.end + 0.05) last.end = start + seconds;
    else joined.push({ start, end: start + seconds, label });
  }
  return joined;
}

function band({ start, end, label }, total, classes) {
  const element = create("span", { className: `band ${colour(label, classes)}`, text: label });
  element.style.setProperty("--from", start / total);
  element.style.setProperty("--share", (end - start) / total);
  return element;
}
