"use strict";
// Draws a sweep's figures in the page's colours as they come into view, and sorts and filters its table of trials.
(() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function themed(layout) {
    const ink = colour("--ink"), line = colour("--line"), soft = colour("--soft");
    const axis = { gridcolor: line, zerolinecolor: line, linecolor: soft, automargin: true };
    const axes = Object.fromEntries(Object.keys(layout).filter((key) => /^[xyz]axis\d*$/.test(key))
      .map((key) => [key, { ...layout[key], ...axis }]));
    const scene = layout.scene && { scene: { ...layout.scene, ...Object.fromEntries(["xaxis", "yaxis", "zaxis"]
      .map((key) => [key, { ...layout.scene[key], gridcolor: line, zerolinecolor: line, backgroundcolor: "rgba(0,0,0,0)" }])) } };
    const annotations = layout.annotations?.map((each) => ({ ...each, font: { ...each.font, color: soft } }));
    return {
      xaxis: axis, yaxis: axis, ...layout, ...axes, ...scene, annotations,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: ink, family: "system-ui, sans-serif", size: 12 },
      hoverlabel: { bgcolor: colour("--tint"), bordercolor: soft, font: { color: ink } },
      margin: { l: 45, r: 20, t: 25, b: 40, ...layout.margin },
      legend: { ...layout.legend, orientation: "h", x: 0, y: 1, yanchor: "bottom", xanchor: "left" },
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom", // a finger scrolls the page
    };
  }

  const drawn = new Set();
  async function draw(place) {
    const figure = JSON.parse(place.closest("figure").querySelector("script").textContent);
    await Plotly.react(place, figure.data, themed(figure.layout), { displayModeBar: false, responsive: true });
    drawn.add(place);
    place.dataset.drawn = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  const plots = document.querySelectorAll(".plot > div");
  const coming = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting && !drawn.has(target)) draw(target);
  }, { rootMargin: "600px" });
  for (const place of plots) coming.observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach(draw));
  addEventListener("beforeprint", () => plots.forEach((place) => drawn.has(place) || draw(place)));

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
    const valueOf = (row, column) => {
      const { dataset, textContent, classList } = row.cells[column];
      return dataset.value !== undefined ? Number(dataset.value) : classList.contains("number") ? NaN : textContent;
    };
    // What has no value stays last, whichever way the rest goes.
    const compare = (a, b, way) => typeof a === "string" || typeof b === "string"
      ? (!a - !b) || way * String(a).localeCompare(String(b), undefined, { numeric: true })
      : (isNaN(a) - isNaN(b)) || way * (a - b) || 0;
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const way = head.ariaSort === "ascending" ? -1 : 1;
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
        body.append(...[...body.rows].sort((a, b) => compare(valueOf(a, column), valueOf(b, column), way)));
      });
    });
  }

  const form = document.getElementById("trial-filters");
  if (!form) return;
  const rows = [...document.querySelectorAll("table.sortable tbody tr")];
  const filter = () => {
    const sought = form.search.value.trim().toLowerCase(), state = form.state.value;
    for (const row of rows) {
      row.hidden = !(row.textContent.toLowerCase().includes(sought) && (!state || row.dataset.state === state));
    }
    const left = rows.filter((row) => !row.hidden).length;
    document.getElementById("trials-told").textContent = `${left} of ${rows.length} trials`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter();
})();
