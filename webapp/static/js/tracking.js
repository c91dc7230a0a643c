// The order's page moves by itself: each event carries the whole story, and only what changed is redrawn.

const page = document.querySelector("[data-order]");
const part = (name) => page.querySelector(`[data-${name}]`);
const { sayLive, sayReconnecting, sayPausing } = document.querySelector("script[data-say-live]").dataset;
let version = Number(page.dataset.version);

// The server says UTC; a shopper reads the clock on the wall. In the form that the server writes: "24 Nov 2026", which
// is British, where Intl takes English for American.
const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
function inOwnZone(time) {
  if (!time.dateTime) return;
  if (document.documentElement.lang !== "en") {
    time.textContent = clock.format(new Date(time.dateTime));
    return;
  }
  const said = Object.fromEntries(clock.formatToParts(new Date(time.dateTime)).map(({ type, value }) => [type, value]));
  time.textContent = `${said.day} ${said.month} ${said.year}, ${said.hour}:${said.minute}`;
}
function showTime(time, { at, said }) {
  time.dateTime = at;
  time.textContent = said;
  inOwnZone(time);
}
for (const time of page.querySelectorAll("time")) inOwnZone(time);

function draw(story) {
  version = story.version;
  page.dataset.version = story.version;
  page.dataset.stage = story.stage;
  part("title").textContent = story.title;
  part("text").textContent = story.text;
  part("payment").textContent = story.payment;
  part("expected").textContent = story.expected;
  part("expected").hidden = !story.expected;
  part("steps").classList.toggle("ended", story.is_ended);
  for (const step of story.steps) {
    const item = part("steps").querySelector(`[data-step="${step.key}"]`);
    item.className = step.state;
    item.toggleAttribute("aria-current", step.state === "current");
    if (step.state === "current") item.setAttribute("aria-current", "step");
    showTime(item.querySelector("[data-at]"), step);
  }
  part("happened").replaceChildren(
    ...story.happened.map((event) => {
      const item = document.createElement("li");
      const [text, at] = [document.createElement("span"), document.createElement("time")];
      text.textContent = event.text;
      at.className = "muted small";
      showTime(at, event);
      item.append(text, " ", at);
      return item;
    }),
  );
}

// The details are drawn by the server: anew once the order is in the book, and at each new stage, which may end what can be
// changed, or bring a parcel with its number.
async function refresh(hasNewStage) {
  const details = part("details");
  if (!hasNewStage && !details.querySelector('[data-recorded="no"]')) return;
  const answer = await fetch(`${location.pathname}?part=details`);
  if (!answer.ok) return;
  details.innerHTML = await answer.text();
  for (const time of details.querySelectorAll("time")) inOwnZone(time);
}

function say(text) {
  part("pulse").textContent = text;
}

function watch() {
  const source = new EventSource(`${page.dataset.live}?since=${version}`);
  source.addEventListener("open", () => say(sayLive));
  source.addEventListener("moved", (event) => {
    const before = page.dataset.stage;
    const story = JSON.parse(event.data);
    draw(story);
    refresh(story.stage !== before);
  });
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED) return say(sayReconnecting);
    say(sayPausing);
    setTimeout(watch, 10000);
  });
  window.addEventListener("pagehide", () => source.close());
}
window.addEventListener("pageshow", (event) => event.persisted && watch());

if (part("title")) watch();
else setTimeout(() => location.reload(), 3000);
