// The page between the click and the answer: asks until there is one, then goes there.

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

for (let wait = 1000; ; wait = Math.min(wait * 1.3, 4000)) {
  await pause(wait);
  try {
    const answer = await fetch(location.href, { headers: { Accept: "application/json" } });
    const body = await answer.json();
    if (body.location) {
      location.replace(body.location);
      break;
    }
    if (body.is_challenged && !document.querySelector("form")) location.reload();
  } catch {
    // The shop or the network is away for a moment; the question is asked again.
  }
}
