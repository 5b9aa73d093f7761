// Records the microphone, unprocessed: what helps speech (echo and noise removal) harms music.
import { Problem } from "./api.js";

const ENDINGS = { "audio/webm": "webm", "audio/mp4": "mp4", "audio/ogg": "ogg" };
const REASONS = {
  NotAllowedError:
    "The microphone is blocked. Allow it for this page in the browser's site settings and press Record again, " +
    "or choose a file.",
  NotFoundError: "No microphone was found. Connect one and press Record again, or choose a file.",
  NotReadableError:
    "The microphone is in use by another program. Close that program and press Record again, or choose a file.",
};

/** Start to record. The result has `stop()`, which returns a File, and `discard()`. */
export async function startRecording() {
  if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) {
    throw new Problem(
      "This browser cannot record on this page. Open the page on 127.0.0.1 in a current browser, or choose a file.",
    );
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
  } catch (error) {
    throw new Problem(REASONS[error.name] ?? `The microphone does not work (${error.name}). Choose a file instead.`);
  }
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
  const ended = new Promise((resolve) => recorder.addEventListener("stop", resolve));
  const release = () => stream.getTracks().forEach((track) => track.stop());
  recorder.start();
  return {
    async stop() {
      if (recorder.state !== "inactive") recorder.stop();
      await ended;
      release();
      const type = recorder.mimeType.split(";")[0];
      return new File(parts, `recording.${ENDINGS[type] ?? "webm"}`, { type });
    },
    discard() {
      if (recorder.state !== "inactive") recorder.stop();
      release();
    },
  };
}
