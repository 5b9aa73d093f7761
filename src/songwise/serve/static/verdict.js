// The verdict, what it is worth, and the probability of each class.
import { accuracySentence, comparison, factsWarning } from "./card.js";
import { clock, colour, create, get, percent, put } from "./dom.js";

const SHOWN = 5;

/** Return the verdict in one line, for the page's title and for screen readers. */
export function verdictLine({ known, label, probability }) {
  if (known) return `${label}, ${percent(probability)}`;
  return `Unlike anything in the training music. The nearest class is ${label}, ${percent(probability)}`;
}

/** Show the verdict; a song unlike the training music is as plain a verdict as a class. */
export function showVerdict(answer, card) {
  const { known, label, probability, novelty, seconds } = answer;
  put(get("verdict-file"), [answer.file, seconds ? clock(seconds) : ""].filter(Boolean).join(" · "));
  get("verdict").className = `panel verdict ${known ? colour(label, card.classes) : "unknown"}`;
  get("verdict-title").textContent = known ? label : "Unlike anything in the training music";
  const sure = create("strong", { text: known ? percent(probability) : label });
  const probabilityLine = known ? [sure, " probability"] : ["Nearest class: ", sure, `, ${percent(probability)}`];
  get("verdict-probability").replaceChildren(...probabilityLine);
  put(get("verdict-novelty"), noveltySentence(known, novelty));
  put(get("trust-accuracy"), accuracySentence(card));
  put(get("trust-corrected"), comparison(card));
  put(get("trust-facts"), factsWarning(card));
}

function noveltySentence(known, novelty) {
  if (typeof novelty !== "number") return "";
  if (known) return novelty > 0.5 ? `It is more unusual than ${percent(novelty)} of the training songs.` : "";
  return `It is more unusual than ${percent(novelty)} of the training songs. The nearest class may mean nothing.`;
}

/** Show the five likeliest classes, and a button for all. */
export function showClasses(probabilities, classes) {
  const ranked = Object.entries(probabilities).sort(([, one], [, other]) => other - one);
  const list = get("classes");
  const more = get("all-classes");
  const fill = (all) => {
    list.replaceChildren(
      ...ranked.slice(0, all ? ranked.length : SHOWN).map(([label, share]) => bar(label, share, classes)),
    );
    more.setAttribute("aria-expanded", String(all));
    more.textContent = all ? `Show the top ${SHOWN}` : `Show all ${ranked.length} classes`;
  };
  more.hidden = ranked.length <= SHOWN;
  more.onclick = () => fill(more.getAttribute("aria-expanded") === "false");
  fill(false);
}

function bar(label, share, classes) {
  const track = create("span", { className: "track", children: [create("span", { className: "fill" })] });
  track.setAttribute("aria-hidden", "true");
  track.style.setProperty("--share", share);
  const name = create("span", { className: "name", text: label });
  const value = create("span", { className: "digits", text: percent(share) });
  return create("li", { className: colour(label, classes), children: [name, " ", value, track] });
}
