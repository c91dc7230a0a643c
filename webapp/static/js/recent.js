// What this browser looked at last, kept in the browser alone: pages are the same for everybody, so that they can be cached.

const KEY = "recently-seen";
const MOST = 8;
const { root, contentLang } = document.documentElement.dataset;

function seen() {
  try {
    const held = JSON.parse(localStorage.getItem(KEY)) ?? [];
    return Array.isArray(held) ? held.filter((item) => /^[a-z0-9-]+$/.test(item.slug)) : [];
  } catch {
    return [];
  }
}

function card({ slug, name, image, price }) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  item.className = "card";
  link.href = `${root}/products/${slug}`;
  if (image?.startsWith("/static/")) {
    const picture = new Image(400, 400);
    picture.src = image;
    picture.alt = "";
    picture.loading = "lazy";
    link.append(picture);
  }
  for (const [kind, text] of [["card-name", name], ["price", price]]) {
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = text;
    if (kind === "card-name") span.lang = contentLang;
    link.append(span);
  }
  item.append(link);
  return item;
}

const here = document.querySelector("[data-product]");
const slug = here?.dataset.product;
const others = seen().filter((item) => item.slug !== slug);
// What is in the cart was found already.
const inCart = new Set([...document.querySelectorAll("[data-in-cart]")].map((line) => line.dataset.inCart));
const shown = others.filter((item) => !inCart.has(item.slug)).slice(0, 4);
const shelf = document.querySelector("[data-recent]");
if (shelf && shown.length) {
  shelf.querySelector("ul").replaceChildren(...shown.map(card));
  shelf.hidden = false;
}
if (slug) {
  const now = {
    slug,
    name: here.querySelector("h1").textContent,
    price: here.querySelector(".price").firstChild.nodeValue.trim(),
    image: here.querySelector(".product-art img")?.getAttribute("src"),
  };
  try {
    localStorage.setItem(KEY, JSON.stringify([now, ...others].slice(0, MOST)));
  } catch {
    // A browser that keeps nothing shows nothing.
  }
}
