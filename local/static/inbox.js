// Shows the list anew when a message has arrived. Without JavaScript the page is reloaded by hand.
const list = document.querySelector("[data-newest-url]");
if (list) {
  const ask = async () => (await (await fetch(list.dataset.newestUrl)).json()).id;
  let known;
  const look = async () => {
    if (document.hidden) return;
    try {
      const newest = await ask();
      if (known !== undefined && newest !== known) location.reload();
      known = newest;
    } catch {
      // The stack is stopping or starting again; the next look will tell.
    }
  };
  look();
  setInterval(look, 1500);
}
