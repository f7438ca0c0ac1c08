// The page: takes a recording, sends it, shows what is found. All text goes in as text, never as HTML.
import { Recorder } from "./recorder.js";

const SHOWN_AT_ONCE = 6; // labels; the others are unfolded
const UNSURE = .5;
const at = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(share > .995 || share < .0995 ? 1 : 0)} %`;
let limits = { most_seconds: Infinity, most_mib: Infinity };
let busy = false;
let recorder = null;

function make(kind, style = "", text = "") {
  const element = document.createElement(kind);
  if (style) element.className = style;
  element.textContent = text;
  return element;
}

async function begin() {
  const answer = await fetch("/api/models");
  limits = await answer.json();
  at("models").textContent = `Asked for: ${limits.models.map((model) => model.about).join(", ")}`;
  at("hint").textContent = `or drop one here: WAV, MP3, FLAC, Ogg or WebM, up to ${limits.most_seconds} s and ${limits.most_mib} MiB`;
}

function complain({ error, remedy }) {
  at("error").textContent = error;
  at("remedy").textContent = remedy;
  at("problem").hidden = false;
}

function tell(state, working = false) {
  busy = working;
  at("state").textContent = state;
  for (const id of ["record", "choose"]) at(id).disabled = working;
}

// One recording at a time: send it, show the result or the problem.
async function analyse(blob, name) {
  if (busy || recorder) return;
  at("problem").hidden = at("result").hidden = true;
  if (blob.size > limits.most_mib * 1048576) {
    const remedy = "send it as FLAC, MP3 or Opus, or cut it into shorter recordings";
    return complain({ error: `${name} is too big; at most ${limits.most_mib} MiB is allowed`, remedy });
  }
  tell("Listening …", true);
  const form = new FormData();
  form.append("file", blob, "recording"); // its name is nobody's business
  try {
    const answer = await fetch("/api/analyse", { method: "POST", body: form });
    const found = await answer.json();
    if (answer.ok) show(found, blob, name);
    else complain(found);
  } catch {
    complain({ error: "the server does not answer", remedy: "see whether it still runs, and try again" });
  }
  tell("");
}

function show({ recording, findings, spectrogram }, blob, name) {
  const { seconds, sample_rate: rate, channels, format } = recording;
  at("name").textContent = name;
  at("facts").textContent = `${seconds.toFixed(2)} s · ${rate / 1000} kHz · ${channels === 1 ? "mono" : `${channels} channels`} · ${format}`;
  const sound = at("sound");
  URL.revokeObjectURL(sound.src);
  sound.src = URL.createObjectURL(blob);
  at("timeline").replaceChildren(timeline(findings, spectrogram, seconds, sound));
  at("findings").replaceChildren(...findings.map(card));
  at("result").hidden = false;
}

// The spectrogram, and what lies over time below it.
function timeline(findings, spectrogram, seconds, sound) {
  const inside = make("div");
  const share = (second) => `${100 * second / seconds}%`;
  const sight = make("div", "sight");
  const picture = make("img");
  picture.src = spectrogram;
  picture.alt = "Spectrogram, low frequencies below";
  const now = make("div", "now");
  now.hidden = true;
  sight.append(picture, now);
  const play = (second) => {
    sound.currentTime = second;
    sound.play();
  };
  sight.addEventListener("click", (event) => {
    const box = sight.getBoundingClientRect();
    play(Math.max(0, (event.clientX - box.left) / box.width * seconds));
  });
  const follow = () => {
    now.hidden = false;
    now.style.left = share(Math.min(sound.currentTime, seconds));
    if (!sound.paused) requestAnimationFrame(follow);
  };
  sound.onplay = sound.onseeked = follow;
  const rows = findings.filter((finding) => finding.parts.length).flatMap(({ about, parts }) => {
    const row = make("div", "row");
    for (const part of parts) {
      const button = make("button", part.confidence < UNSURE ? "unsure" : "", part.text);
      button.type = "button";
      button.dir = "auto";
      button.style.left = share(part.start);
      button.style.width = share(part.end - part.start);
      button.title = `${part.text}: ${part.start.toFixed(2)} to ${part.end.toFixed(2)} s, confidence ${percent(part.confidence)}`;
      button.setAttribute("aria-label", button.title);
      button.addEventListener("click", () => play(part.start));
      row.append(button);
    }
    return [row, make("span", "label", about)];
  });
  const most = Math.max(0, ...findings.map((finding) => finding.parts.length));
  inside.style.width = `max(100%, ${3.5 * most}rem)`; // words stay legible: a long recording scrolls
  inside.append(sight, axis(seconds, share), ...rows);
  return inside;
}

function axis(seconds, share) {
  const line = make("div", "axis");
  line.setAttribute("aria-hidden", "true");
  const step = [.5, 1, 2, 5, 10, 20].find((each) => seconds / each <= 8) ?? 30;
  for (let second = 0; second < seconds - step / 4; second += step) {
    const tick = make("span", "", `${second} s`);
    tick.style.left = share(second);
    line.append(tick);
  }
  return line;
}

// One answer: what was asked, the value, how sure, and the probabilities of all labels.
function card({ about, value, confidence, choices, parts, model }) {
  const box = make("article", choices.length ? "finding" : "finding wide");
  const heading = make("h3", "", about.charAt(0).toUpperCase() + about.slice(1));
  heading.append(make("span", "", model));
  const said = make("p", "value", parts.length ? "" : value || "nothing was heard");
  said.dir = "auto";
  parts.forEach((part, place) => said.append(place ? " " : "", make("span", part.confidence < UNSURE ? "unsure" : "", part.text)));
  box.append(heading, said);
  if (!choices.length) {
    if (confidence !== null) box.append(make("p", "sure", `${percent(confidence)} sure on average; dotted words less than half`));
    return box;
  }
  box.append(bars(choices.slice(0, SHOWN_AT_ONCE)));
  const others = choices.slice(SHOWN_AT_ONCE);
  if (others.length) {
    const more = make("details");
    more.append(make("summary", "", `${others.length} more`), bars(others));
    box.append(more);
  }
  return box;
}

function bars(choices) {
  const list = make("ul", "probabilities");
  for (const { label, probability } of choices) {
    const line = make("li");
    const name = make("span", "", label);
    name.dir = "auto";
    const track = make("span", "track");
    const bar = make("span", "bar");
    bar.style.width = `${100 * probability}%`;
    track.append(bar);
    line.append(name, track, make("span", "share", percent(probability)));
    list.append(line);
  }
  return list;
}

async function toggleRecording() {
  if (recorder) return finishRecording();
  at("problem").hidden = at("result").hidden = true;
  if (!navigator.mediaDevices) {
    return complain({ error: "this page may not use the microphone", remedy: "open it over https, or on the server's own machine" });
  }
  recorder = new Recorder((level, seconds) => {
    at("level").firstElementChild.style.transform = `scaleX(${Math.sqrt(Math.min(1, level))})`;
    at("state").textContent = `Recording: ${seconds.toFixed(1)} s`;
    if (seconds > limits.most_seconds - .5) finishRecording();
  });
  tell("Waiting for the microphone …", true);
  try {
    await recorder.start();
  } catch (problem) {
    recorder.stop().catch(() => {});
    recorder = null;
    tell("");
    return complain({ error: `the microphone cannot be used (${problem.message})`, remedy: "allow it for this page, or plug one in" });
  }
  recordingIs(true);
}

async function finishRecording() {
  const ended = recorder;
  if (!ended) return;
  recorder = null;
  ended.heard = () => {};
  recordingIs(false);
  const blob = await ended.stop();
  await analyse(blob, "Your recording");
}

function recordingIs(on) {
  at("record").classList.toggle("recording", on);
  at("record-text").textContent = on ? "Stop" : "Record";
  at("level").hidden = !on;
  tell("");
  at("choose").disabled = on;
}

at("record").addEventListener("click", toggleRecording);
at("choose").addEventListener("click", () => at("file").click());
at("file").addEventListener("change", () => {
  const [file] = at("file").files;
  if (file) analyse(file, file.name);
  at("file").value = "";
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  at("give").classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) at("give").classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  at("give").classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (file) analyse(file, file.name);
});
begin().catch(() => complain({ error: "the server does not answer", remedy: "see whether it still runs, and load this page again" }));
