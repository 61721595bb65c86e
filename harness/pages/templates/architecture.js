"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const versions = all(".version");

  // Which versions are shown; the address keeps it, so that it can be passed on.
  function show(which) {
    const known = which === "all" || versions.some((v) => v.dataset.phase === which);
    const wanted = known ? which : versions[0].dataset.phase;
    document.body.classList.toggle("side-by-side", wanted === "all");
    versions.forEach((v) => { v.hidden = wanted !== "all" && v.dataset.phase !== wanted; });
    all("input[name=show]").forEach((input) => { input.checked = input.value === wanted; });
  }
  all("input[name=show]").forEach((input) => input.addEventListener("change", () => {
    history.replaceState(null, "", "#" + input.value);
    show(input.value);
  }));
  window.addEventListener("hashchange", () => show(location.hash.slice(1)));

  // A chosen component: its words are shown, its lines are lit, the others fade.
  function choose(version, part) {
    const wasChosen = part && part.getAttribute("aria-pressed") === "true";
    const name = part && !wasChosen ? part.dataset.part : null;
    all("[data-part]", version).forEach((p) => p.setAttribute("aria-pressed", String(p.dataset.part === name)));
    all(".details article", version).forEach((a) => a.classList.toggle("open", a.dataset.of === name));
    const open = version.querySelector(".details article.open");
    if (open && matchMedia("(max-width: 60rem)").matches) open.scrollIntoView({ block: "nearest" });
    all("[data-from]", version).forEach((line) => {
      const touches = line.dataset.from === name || line.dataset.to === name;
      line.classList.toggle("lit", name !== null && touches);
      line.classList.toggle("faded", name !== null && !touches);
    });
  }
  versions.forEach((version) => {
    all("[data-part]", version).forEach((part) => {
      part.addEventListener("click", () => choose(version, part));
      part.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(version, part); }
        if (event.key === "Escape") choose(version, null);
      });
    });
  });

  // A recorded run, second by second.
  function player(version) {
    const box = version.querySelector(".replay");
    if (!box) return;
    const [select, play, slider, said, chart] = ["select", ".play", ".when", ".said", ".chart"].map((s) => box.querySelector(s));
    let run = null, timer = null;
    const say = (key, values) => Object.entries(values).reduce((t, [k, v]) => t.replace("{" + k + "}", v), box.dataset[key]);
    const biting = (t) => run.faults.filter((f) => f.on_s !== null && f.on_s < t + 1 && (f.off_s === null || f.off_s > t));

    function paint() {
      const second = run.seconds[Number(slider.value)];
      const all_ = second.good + second.bad, ill = all_ ? 100 * second.bad / all_ : 0;
      const now = biting(second.t);
      version.classList.add("replaying");
      version.style.setProperty("--ill", ill.toFixed(1));
      const hit = new Set(now.flatMap((f) => f.parts));
      all("[data-part]", version).forEach((p) => p.classList.toggle("d-hit", hit.has(p.dataset.part)));
      const fault = now.map((f) => f.name + " (" + f.aimed_at + ")").join(", ") || box.dataset.calm;
      said.textContent = say("second", { t: second.t, good: second.good, all: all_, fault });
      slider.setAttribute("aria-valuetext", said.textContent);
      chart.querySelector(".now").setAttribute("transform", "translate(" + (Number(slider.value) + 0.5) + " 0)");
    }
    function bar(x, y, height, kind) {
      const rect = document.createElementNS(chart.namespaceURI, "rect");
      for (const [k, v] of Object.entries({ x, y, width: 0.9, height, class: kind })) rect.setAttribute(k, v);
      chart.insertBefore(rect, chart.querySelector(".now"));
    }
    function drawChart() {
      all("rect", chart).forEach((r) => r.remove());
      const most = Math.max(1, ...run.seconds.map((s) => s.good + s.bad));
      chart.setAttribute("viewBox", "0 0 " + run.seconds.length + " 100");
      run.seconds.forEach((s, i) => {
        const good = 100 * s.good / most, bad = 100 * s.bad / most;
        bar(i, 100 - good, good, "good");
        bar(i, 100 - good - bad, bad, "ill");
      });
    }
    function stop() { clearInterval(timer); timer = null; play.textContent = box.dataset.play; }
    function start() {
      if (Number(slider.value) >= run.seconds.length - 1) slider.value = 0;
      play.textContent = box.dataset.pause;
      timer = setInterval(() => {
        if (Number(slider.value) >= run.seconds.length - 1) { stop(); return; }
        slider.value = Number(slider.value) + 1;
        paint();
      }, 200);
    }
    async function load() {
      stop();
      play.disabled = slider.disabled = true;
      const answer = await fetch(select.value).catch(() => null);
      if (!answer || !answer.ok) { said.textContent = box.dataset.unreadable; return; }
      run = await answer.json();
      if (!run.seconds.length) { said.textContent = box.dataset.unreadable; return; }
      slider.max = run.seconds.length - 1;
      slider.value = 0;
      play.disabled = slider.disabled = false;
      drawChart();
      paint();
    }
    select.addEventListener("change", load);
    slider.addEventListener("input", () => { stop(); paint(); });
    play.addEventListener("click", async () => {
      if (timer) { stop(); return; }
      if (!run) await load();
      if (run) start();
    });
    play.disabled = false;
  }
  versions.forEach(player);
  show(location.hash.slice(1));
})();
