// The waveform and the mel spectrogram on canvases, redrawn when their width or the colour scheme changes.

// matplotlib's magma at 17 equal steps: perceptually uniform, readable without colour, on light and on dark pages.
const MAGMA = [
  [0, 0, 4],
  [10, 8, 34],
  [29, 17, 71],
  [54, 16, 107],
  [81, 18, 124],
  [106, 28, 129],
  [131, 38, 129],
  [156, 46, 127],
  [183, 55, 121],
  [208, 65, 111],
  [231, 82, 99],
  [245, 107, 92],
  [252, 137, 97],
  [254, 167, 114],
  [254, 196, 136],
  [253, 226, 163],
  [252, 253, 191],
];

/** Draw `picture` into the two canvases; a missing part hides its canvas. */
export function createPictures(waveform, spectrogram) {
  let peaks = null;
  let mel = null;
  const draw = () => {
    if (peaks) drawWaveform(waveform, peaks);
    if (mel) drawSpectrogram(spectrogram, mel);
  };
  new ResizeObserver(draw).observe(waveform.parentElement);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  return (picture) => {
    peaks = picture?.peaks?.length ? picture.peaks : null;
    mel = picture?.mel?.frames ? paintMel(picture.mel) : null;
    waveform.hidden = !peaks;
    spectrogram.hidden = !mel;
    draw();
  };
}

function prepare(canvas) {
  const scale = window.devicePixelRatio || 1;
  const { clientWidth, clientHeight } = canvas;
  canvas.width = Math.max(1, Math.round(clientWidth * scale));
  canvas.height = Math.max(1, Math.round(clientHeight * scale));
  return canvas.getContext("2d");
}

function drawWaveform(canvas, peaks) {
  const context = prepare(canvas);
  const { width, height } = canvas;
  const loudest = Math.max(1e-6, ...peaks.map(([low, high]) => Math.max(-low, high)));
  context.fillStyle = getComputedStyle(canvas).getPropertyValue("--wave");
  for (let x = 0; x < width; x += 1) {
    const first = Math.floor((x / width) * peaks.length);
    const last = Math.max(first + 1, Math.floor(((x + 1) / width) * peaks.length));
    const here = peaks.slice(first, last);
    const high = Math.max(...here.map((pair) => pair[1])) / loudest;
    const low = Math.min(...here.map((pair) => pair[0])) / loudest;
    const top = (height / 2) * (1 - high);
    context.fillRect(x, top, 1, Math.max(1, (height / 2) * (1 - low) - top));
  }
}

/** Return the spectrogram as a picture of one pixel per frame and band, high bands on top. */
function paintMel({ bands, frames, data }) {
  const levels = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const picture = new ImageData(frames, bands);
  for (let band = 0; band < bands; band += 1) {
    for (let frame = 0; frame < frames; frame += 1) {
      const pixel = 4 * ((bands - 1 - band) * frames + frame);
      picture.data.set(magma(levels[band * frames + frame] / 255), pixel);
      picture.data[pixel + 3] = 255;
    }
  }
  const canvas = document.createElement("canvas");
  canvas.width = frames;
  canvas.height = bands;
  canvas.getContext("2d").putImageData(picture, 0, 0);
  return canvas;
}

function magma(level) {
  const place = level * (MAGMA.length - 1);
  const step = Math.min(Math.floor(place), MAGMA.length - 2);
  return MAGMA[step].map((value, channel) => value + (place - step) * (MAGMA[step + 1][channel] - value));
}

function drawSpectrogram(canvas, mel) {
  const context = prepare(canvas);
  context.imageSmoothingQuality = "high";
  context.drawImage(mel, 0, 0, canvas.width, canvas.height);
}
