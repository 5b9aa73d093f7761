// The requests to the server. Every failure is a Problem, whose message is a sentence for people.

export class Problem extends Error {
  constructor(message, { retryAfter = null, again = false } = {}) {
    super(message);
    this.retryAfter = retryAfter;
    this.again = again || retryAfter !== null;
  }
}

const UNREACHABLE = "The server does not answer. Check that `songwise serve` is still running, then try again.";
const UNREADABLE =
  "The server sent an answer that this page cannot read. Restart `songwise serve` and reload this page.";

/** Return the model card. */
export async function fetchCard() {
  const response = await fetch("card").catch(() => {
    throw new Problem(UNREACHABLE, { again: true });
  });
  return parse(await response.text(), response.status, response.headers.get("Retry-After"));
}

/** Upload a song and return the answer. `onProgress` receives the share of the bytes that are sent. */
export function classify(file, name, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `classify?${new URLSearchParams({ name, similar: "8", picture: "true" })}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => onProgress(event.total ? event.loaded / event.total : 1));
    request.upload.addEventListener("load", () => onProgress(1));
    request.addEventListener("error", () => reject(new Problem(UNREACHABLE, { again: true })));
    request.addEventListener("load", () => {
      try {
        resolve(parse(request.responseText, request.status, request.getResponseHeader("Retry-After")));
      } catch (problem) {
        reject(problem);
      }
    });
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

function parse(text, status, retryAfter) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Problem(UNREADABLE, { again: true });
  }
  if (status !== 200) {
    const seconds = Number.parseInt(retryAfter, 10);
    throw new Problem(answer?.error?.message ?? UNREADABLE, { retryAfter: seconds >= 0 ? seconds : null });
  }
  return answer;
}
