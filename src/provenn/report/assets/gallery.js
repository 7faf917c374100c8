// Everything here is a convenience: the pages read well without it.
(() => {
  "use strict";
  const root = document.documentElement;
  const KEY = "provenn-theme";

  const remembered = () => {
    try { return localStorage.getItem(KEY); } catch { return null; }
  };
  const remember = (theme) => {
    try { localStorage.setItem(KEY, theme); } catch { /* private mode: the choice lasts for this page */ }
  };
  if (["light", "dark"].includes(remembered())) root.dataset.theme = remembered();

  const themeToggle = () => {
    const button = document.querySelector("[data-theme-toggle]");
    const label = button.querySelector("[data-theme-label]");
    const system = matchMedia("(prefers-color-scheme: dark)");
    const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
    const show = () => {
      label.textContent = dark() ? "Light" : "Dark";
      button.setAttribute("aria-label", `${label.textContent} theme`);
    };
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      remember(root.dataset.theme);
      show();
    });
    system.addEventListener("change", show);
    show();
    button.hidden = false;
  };

  const copyText = async (element) => {
    try {
      await navigator.clipboard.writeText(element.textContent);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(element);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      document.execCommand("copy");
      selection.removeAllRanges();
    }
  };

  const copyButtons = () => {
    const buttons = document.querySelectorAll("[data-copy]");
    if (buttons.length === 0) return;
    const live = document.createElement("p");
    live.className = "unseen";
    live.setAttribute("role", "status");
    document.body.append(live);
    for (const button of buttons) {
      const label = button.querySelector("[data-copy-label]");
      button.addEventListener("click", async () => {
        await copyText(document.getElementById(button.dataset.copy));
        label.textContent = live.textContent = "Copied";
        setTimeout(() => { label.textContent = "Copy"; live.textContent = ""; }, 2000);
      });
      button.hidden = false;
    }
  };

  const ORDERS = {
    title: () => 0,
    year: (a, b) => b.dataset.year - a.dataset.year,
    room: (a, b) => a.dataset.room.localeCompare(b.dataset.room),
    holds: (a, b) => b.dataset.holds - a.dataset.holds,
    fails: (a, b) => b.dataset.fails - a.dataset.fails,
  };

  const cards = () => {
    const list = document.querySelector("[data-cards]");
    const form = document.querySelector("[data-controls]");
    if (!list || !form) return;
    const all = [...list.children];
    const empty = document.querySelector("[data-empty]");
    const found = document.querySelector("[data-found]");
    const update = () => {
      const { search, room, verdict, sort } = form.elements;
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const matches = (card) =>
        words.every((word) => card.dataset.search.includes(word)) &&
        (!room.value || card.dataset.room === room.value) &&
        (!verdict.value || Number(card.getAttribute(`data-${verdict.value}`)) > 0);
      const byTitle = (a, b) => a.dataset.title.localeCompare(b.dataset.title);
      for (const card of all) card.hidden = !matches(card);
      list.append(...[...all].sort((a, b) => ORDERS[sort.value](a, b) || byTitle(a, b)));
      const shown = all.filter((card) => !card.hidden).length;
      found.textContent = shown === all.length ? "" : `${shown} of ${all.length} papers`;
      empty.hidden = shown > 0;
    };
    form.addEventListener("input", update);
    form.addEventListener("submit", (event) => event.preventDefault());
    addEventListener("pageshow", update);
    form.hidden = false;
    update();
  };

  document.addEventListener("DOMContentLoaded", () => {
    themeToggle();
    copyButtons();
    cards();
  });
})();
