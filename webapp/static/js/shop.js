// What every page has: one click is one order, the cart without leaving the page, and lists that sort when chosen.

const $$ = (selector, root = document) => root.querySelectorAll(selector);

function toast(text, link) {
  const shelf = document.querySelector("[data-toasts]");
  const item = document.createElement("p");
  item.className = "toast";
  item.textContent = text;
  if (link) {
    const a = document.createElement("a");
    a.href = link.href;
    a.textContent = link.text;
    item.append(" ", a);
  }
  shelf.replaceChildren(item);
  setTimeout(() => item.remove(), 6000);
}

function showCount(count) {
  for (const badge of $$("[data-cart-count]")) {
    badge.hidden = !count;
    badge.firstChild.nodeValue = String(count);
  }
}

// A form is sent once. The button stays readable and says what happens; going back to the page frees it again.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-guard]");
  if (!form) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  const button = event.submitter;
  if (button && form.dataset.guard) {
    button.dataset.was = button.textContent;
    button.textContent = form.dataset.guard;
  }
  button?.setAttribute("aria-disabled", "true");
});
window.addEventListener("pageshow", () => {
  for (const form of $$("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of $$("[aria-disabled]", form)) {
      button.removeAttribute("aria-disabled");
      if (button.dataset.was) button.textContent = button.dataset.was;
    }
  }
});

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-add-to-cart]");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: "application/json" },
    });
    const body = await answer.json();
    if (answer.ok) {
      showCount(body.count);
      // During a release the other one may answer, which has no words yet.
      toast(body.said ?? body.name, { href: body.cart_url, text: body.look ?? "→" });
    } else {
      toast(body.detail);
    }
  } catch {
    form.submit();
  } finally {
    setTimeout(() => button.removeAttribute("aria-disabled"), 400);
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]") && event.target.checkValidity()) {
    event.target.form.requestSubmit();
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-filter-form] input")) event.target.form.requestSubmit();
});
document.addEventListener("click", (event) => {
  const toggle = event.target.closest("[data-filter-toggle]");
  if (!toggle) return;
  event.preventDefault();
  const open = toggle.parentElement.classList.toggle("open");
  toggle.setAttribute("aria-expanded", String(open));
});
// Empty fields stay out of the address.
document.addEventListener("submit", (event) => {
  if (!event.target.matches('form[method="get"], form[role="search"]')) return;
  for (const field of event.target.elements) field.disabled ||= !field.value && field.name !== "q" && field.localName === "input";
});

// Choosing a variant swaps the product in place; the address follows, so that reload and share mean what is seen.
async function choose(href, push) {
  const answer = await fetch(href);
  if (!answer.ok) return location.assign(href);
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [there, here] = [next, document].map((d) => d.querySelector("[data-product]"));
  if (!there || !here) return location.assign(href);
  const focused = document.activeElement?.closest("[data-variant]")?.textContent;
  here.replaceWith(there);
  if (push) history.pushState({ variant: true }, "", href);
  for (const link of $$("[data-variant]")) if (link.textContent === focused) link.focus();
}
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-variant]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  choose(link.href, true).catch(() => location.assign(link.href));
});
window.addEventListener("popstate", () => {
  if (document.querySelector("[data-product]")) choose(location.href, false).catch(() => location.reload());
});
