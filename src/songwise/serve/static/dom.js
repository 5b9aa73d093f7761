// Small helpers for elements and for numbers in words. Data become text nodes only, never markup.

/** Return the element with this id. */
export const get = (id) => document.getElementById(id);

/** Return a new element with classes, text and children. */
export function create(tag, { className = "", text = null, children = [], ...properties } = {}) {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== null) element.textContent = text;
  element.append(...children);
  return Object.assign(element, properties);
}

/** Put text into an element, and hide the element if there is none. */
export function put(element, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
}

/** Tell screen readers what happened. */
export function announce(text) {
  get("announcer").textContent = text;
}

/** Return a share from 0 to 1 as a percentage; only exact ones are 0 % and 100 %. */
export function percent(share) {
  if (share > 0 && share < 0.005) return "under 1\u00a0%";
  if (share < 1 && share >= 0.995) return "over 99\u00a0%";
  return `${Math.round(100 * share)}\u00a0%`;
}

/** Return seconds as minutes:seconds, or hours:minutes:seconds. */
export function clock(seconds) {
  const whole = Math.floor(seconds + 0.001);
  const pair = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${pair(minutes)}:${pair(whole % 60)}` : `${minutes}:${pair(whole % 60)}`;
}

/** Return bytes in words; the units are those of the server. */
export function size(bytes) {
  const [count, unit] = bytes >= 1 << 20 ? [bytes / (1 << 20), "MiB"] : [bytes / 1024, "KiB"];
  return `${count >= 10 ? Math.round(count) : Math.round(10 * count) / 10}\u00a0${unit}`;
}

/** Return a length in words: 40 seconds, 1 minute, 2 hours. */
export function duration(seconds) {
  for (const [unit, length] of [
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
  ]) {
    if (seconds >= length) {
      const count = Math.round((10 * seconds) / length) / 10;
      return `${count} ${unit}${count === 1 ? "" : "s"}`;
    }
  }
  return "less than a second";
}

/** Return the colour class of a label; text always accompanies the colour. */
export function colour(label, classes) {
  return `c${Math.max(0, classes.indexOf(label)) % 12}`;
}
