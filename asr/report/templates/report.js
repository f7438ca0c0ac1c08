"use strict";
// Filters, sorts and opens the utterances of a report. Without it all of them are shown, with sound and spectrogram.
(() => {
  const list = document.getElementById("utterances");
  if (!list) return;
  const form = document.getElementById("filters");
  const told = document.getElementById("told");
  const more = document.getElementById("more");
  const PAGE = 50;
  const PIXELS_PER_SECOND = 190;
  const LEVELS = 35; // of a posterior, a character each: 0-9a-z
  const number = (text) => (text === undefined || text === "" ? NaN : Number(text));
  const rows = [...list.children].map((element, place) => ({
    element, place,
    text: (element.querySelector("summary") ?? element).textContent.toLowerCase().normalize("NFC"),
    speaker: element.dataset.speaker ?? "",
    id: element.dataset.id,
    errors: number(element.dataset.errors), total: number(element.dataset.total),
    duration: number(element.dataset.duration), confidence: number(element.dataset.confidence),
    heard: element.querySelector("audio") !== null,
  }));
  let room = PAGE;

  const ORDERS = {
    given: (a, b) => a.place - b.place,
    reversed: (a, b) => b.place - a.place,
    errors: (a, b) => b.errors - a.errors || a.place - b.place,
    longest: (a, b) => (b.duration || 0) - (a.duration || 0),
    shortest: (a, b) => (a.duration || 0) - (b.duration || 0),
    unsure: (a, b) => (isNaN(a.confidence) ? 2 : a.confidence) - (isNaN(b.confidence) ? 2 : b.confidence),
    id: (a, b) => a.id.localeCompare(b.id, undefined, { numeric: true }),
  };

  function matching() {
    const sought = form.search.value.trim().toLowerCase().normalize("NFC");
    const least = number(form.least.value), most = number(form.most.value);
    const speaker = form.speaker?.value ?? "";
    return rows.filter((row) => row.text.includes(sought) && (!speaker || row.speaker === speaker)
      && (!form.wrong.checked || row.errors > 0) && (!form.heard?.checked || row.heard)
      && !(row.duration < least) && !(row.duration > most));
  }

  function show() {
    const found = matching().sort(ORDERS[form.order.value]);
    const shown = found.slice(0, room);
    const visible = new Set(shown);
    for (const row of rows) row.element.hidden = !visible.has(row);
    list.prepend(...shown.map((row) => row.element));
    const sum = (key) => found.reduce((total, row) => total + row[key], 0);
    const rate = sum("total") ? `, ${list.dataset.rate} ${(100 * sum("errors") / sum("total")).toFixed(1)} %` : "";
    told.textContent = `${found.length} of ${rows.length} utterances${rate}`
      + (shown.length < found.length ? `; the first ${shown.length} are shown` : "");
    more.hidden = shown.length === found.length;
  }

  function fresh() { room = PAGE; show(); }
  let waiting = 0;
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(fresh, 120); });
  form.addEventListener("submit", (event) => { event.preventDefault(); fresh(); });
  form.addEventListener("reset", () => setTimeout(fresh));
  more.addEventListener("click", () => {
    const first = matching().sort(ORDERS[form.order.value])[room];
    room += 2 * PAGE;
    show();
    first?.element.querySelector("summary")?.focus();
  });

  // j and k go through the rows, from a row that has the focus.
  list.addEventListener("keydown", (event) => {
    if (!event.target.matches("summary") || event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { j: "nextElementSibling", k: "previousElementSibling" }[event.key];
    if (!way) return;
    let next = event.target.parentElement[way];
    while (next?.hidden) next = next[way];
    next?.querySelector("summary").focus();
  });
  list.addEventListener("toggle", (event) => {
    if (event.target.open && event.target.parentElement === list) draw(event.target);
  }, true);
  list.addEventListener("play", (event) => {
    for (const other of list.querySelectorAll("audio")) if (other !== event.target) other.pause();
  }, true);

  function make(name, className, inside) {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (inside !== undefined) element.textContent = inside;
    return element;
  }

  function draw(row) {
    const script = row.querySelector("script[type='application/json']");
    if (!script || row.querySelector(".timeline")) return;
    const view = JSON.parse(script.textContent);
    const audio = row.querySelector("audio"), picture = row.querySelector("img");
    const share = (seconds) => `${100 * seconds / view.seconds}%`;
    const play = (seconds) => {
      const seek = () => { audio.currentTime = seconds; };
      audio.play().catch(() => {}); // paused meanwhile; at once, since phones play only what a finger starts
      if (audio.readyState) seek(); else audio.addEventListener("loadedmetadata", seek, { once: true });
    };

    const sight = make("div", "sight");
    const timeline = make("div", "timeline"), inside = make("div");
    inside.style.width = `${Math.round(view.seconds * PIXELS_PER_SECOND)}px`;
    const now = make("div", "now");
    now.hidden = true;

    const wordsOf = (words, name) => {
      const line = make("div", "row");
      line.setAttribute("role", "group");
      line.setAttribute("aria-label", `${name}, words with their times`);
      words.forEach(([text, start, end, confidence, kind], place) => {
        const button = make("button", kind, text);
        const until = place + 1 < words.length ? words[place + 1][1] : view.seconds;
        button.type = "button";
        button.dir = "auto";
        button.style.left = share(start);
        button.style.width = share(Math.max(until - start, .04));
        const told = `${text}: ${start.toFixed(2)} to ${end.toFixed(2)} s, confidence ${Math.round(100 * confidence)} %`;
        button.title = told;
        button.setAttribute("aria-label", kind ? `${told}, ${kind}` : told);
        button.addEventListener("click", () => play(start));
        line.append(button);
        const span = make("div", "span");
        span.style.left = share(start);
        span.style.width = share(end - start);
        if (name === "Hypothesis") sight.append(span);
      });
      return line;
    };

    sight.append(picture, ...(view.curves ? [curves(view), ...pieces(view)] : []), now);
    sight.addEventListener("click", (event) => {
      const box = sight.getBoundingClientRect();
      play(Math.max(0, (event.clientX - box.left) / box.width * view.seconds));
    });
    const spoken = view.reference?.length ? [make("span", "label", "Reference"), wordsOf(view.reference, "Reference")]
      : view.reference ? [make("span", "label", "The reference cannot be aligned")] : [];
    const heard = view.hypothesis?.length ? [wordsOf(view.hypothesis, "Hypothesis"), make("span", "label", "Hypothesis")] : [];
    inside.append(...spoken, sight, axis(view, share), ...heard);
    timeline.append(inside);
    timeline.tabIndex = 0;
    timeline.setAttribute("role", "group");
    timeline.setAttribute("aria-label", "Spectrogram over time, with what was recognised");
    row.querySelector(".opened").append(timeline);

    const follow = () => {
      now.hidden = false;
      now.style.left = share(Math.min(audio.currentTime, view.seconds));
      const ahead = now.offsetLeft - timeline.scrollLeft;
      if (ahead < 0 || ahead > timeline.clientWidth) timeline.scrollLeft += ahead - timeline.clientWidth / 4;
      if (!audio.paused && row.open) requestAnimationFrame(follow);
    };
    audio.addEventListener("play", follow);
    audio.addEventListener("seeked", follow);
  }

  function curves(view) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", `0 0 ${view.seconds / view.frame} 1`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    for (const [, start, levels] of view.curves) {
      const points = [...levels].map((level, i) => `${start + i + .5} ${(1 - parseInt(level, 36) / LEVELS).toFixed(2)}`);
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", `M${start} 1L${points.join("L")}L${start + levels.length} 1`);
      svg.append(path);
    }
    return svg;
  }

  function pieces(view) {
    return view.curves.map(([piece, start, levels]) => {
      const heights = [...levels].map((level) => parseInt(level, 36));
      const peak = heights.indexOf(Math.max(...heights));
      const name = make("span", "piece", piece);
      name.style.left = `${100 * (start + peak + .5) * view.frame / view.seconds}%`;
      name.setAttribute("aria-hidden", "true");
      return name;
    });
  }

  function axis(view, share) {
    const line = make("div", "axis");
    line.setAttribute("aria-hidden", "true");
    const step = view.seconds > 12 ? 2 : view.seconds > 2 ? 1 : .5;
    for (let second = 0; second < view.seconds - step / 4; second += step) {
      const tick = make("span", "", `${second} s`);
      tick.style.left = share(second);
      line.append(tick);
    }
    return line;
  }

  form.hidden = false;
  show();
})();
