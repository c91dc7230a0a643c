// The console's niceties: keys, moving through rows, choosing all, live numbers. Every page works without this file.
"use strict";

(() => {
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
  const rows = () => [...document.querySelectorAll("[data-row]")];
  let here = -1;
  let afterG = 0;

  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    all[here]?.classList.remove("is-here");
    here = Math.max(0, Math.min(all.length - 1, here + step));
    all[here].classList.add("is-here");
    all[here].scrollIntoView({ block: "nearest" });
    all[here].querySelector("[data-open]")?.focus({ preventScroll: true });
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
    if (typing(event.target) && event.target.type !== "checkbox") return;
    if (afterG && Date.now() - afterG < 1200) {
      afterG = 0;
      const link = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    switch (event.key) {
      case "/": {
        // select() alone gives the focus in some browsers only.
        const finder = document.querySelector("[data-finder]");
        event.preventDefault();
        finder?.focus();
        finder?.select();
        break;
      }
      case "j": move(1); break;
      case "k": move(-1); break;
      case "x": rows()[here]?.querySelector("input[type=checkbox]")?.click(); break;
      case "g": afterG = Date.now(); break;
      case "?": document.querySelector("[data-keys]")?.showModal(); break;
      default: return;
    }
  });

  // A row that is focused by Tab is where j and k go on from.
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-row]");
    if (!row) return;
    rows()[here]?.classList.remove("is-here");
    here = rows().indexOf(row);
    row.classList.add("is-here");
  });

  // "All on this page", and how many are chosen.
  const bulk = document.querySelector("[data-bulk]");
  if (bulk) {
    const boxes = [...document.querySelectorAll("[data-choice]")];
    const all = document.querySelector("[data-choose-all]");
    const count = bulk.querySelector("[data-chosen]");
    const whole = bulk.querySelector("[data-whole]");
    const show = () => {
      const chosen = boxes.filter((box) => box.checked).length;
      if (count) count.textContent = whole?.checked ? "every order of this result" : `${chosen} chosen`;
      if (all) { all.checked = chosen > 0 && chosen === boxes.length; all.indeterminate = chosen > 0 && chosen < boxes.length; }
    };
    all?.addEventListener("change", () => { boxes.forEach((box) => { box.checked = all.checked; }); show(); });
    boxes.forEach((box) => box.addEventListener("change", show));
    whole?.addEventListener("change", show);
    show();
  }

  // Packing: every scanned SKU counts up in place; a wrong one is told at once and nothing is sent.
  const scan = document.querySelector("[data-scan]");
  if (scan) {
    const answer = document.querySelector("[data-scan-answer]");
    const lines = [...document.querySelectorAll("[data-sku]")];
    const say = (text, isGood) => { answer.textContent = text; answer.className = `scan-answer ${isGood ? "is-good" : "is-bad"}`; };
    const count = () => {
      const typed = scan.value.trim();
      if (!typed) return;
      const line = lines.find((one) => one.dataset.sku.toLowerCase() === typed.toLowerCase());
      scan.value = "";
      scan.focus();
      if (!line) { say(`${typed} does not belong into this parcel.`, false); return; }
      const box = line.querySelector("input");
      const most = Number(box.max);
      if (Number(box.value) >= most) { say(`All ${most} of ${line.dataset.sku} are in already.`, false); return; }
      box.value = Number(box.value) + 1;
      line.classList.toggle("is-packed", Number(box.value) === most);
      const isAll = lines.every((one) => one.querySelector("input").value === one.querySelector("input").max);
      say(isAll ? "Everything is in. Ship it." : `${line.dataset.sku}: ${box.value} of ${most}`, true);
      if (isAll) document.querySelector("#carrier").focus();
    };
    scan.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); count(); } });
    document.querySelector("[data-scan-button]").addEventListener("click", (event) => { event.preventDefault(); count(); });
  }

  // A part of a page that is reloaded while it is looked at: progress, queue depths.
  document.querySelectorAll("[data-live]").forEach((part) => {
    const seconds = Number(part.dataset.every || 3);
    const tick = async () => {
      if (document.hidden) return;
      try {
        const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" } });
        if (!answer.ok) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
        if (!fresh) return;
        part.innerHTML = fresh.innerHTML;
        if (fresh.dataset.done !== undefined) clearInterval(timer);
      } catch { /* The next tick tries again. */ }
    };
    const timer = setInterval(tick, seconds * 1000);
    if (part.dataset.done !== undefined) clearInterval(timer);
  });

  // A form is sent once: a second click while the first is on its way would only be told so.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    if (event.target.method === "post") event.target.dataset.sent = "1";
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => { delete form.dataset.sent; }));
})();
