// A password can be looked at while it is typed. Without this script the field is an ordinary one.

const { sayShow, sayHide } = document.querySelector("script[data-say-show]").dataset;

for (const field of document.querySelectorAll('input[type="password"]')) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  button.setAttribute("aria-controls", field.id);
  const show = (visible) => {
    field.type = visible ? "text" : "password";
    button.textContent = visible ? sayHide : sayShow;
    const label = field.labels[0]?.textContent.trim() ?? "";
    const isEnglish = document.documentElement.lang === "en";
    button.setAttribute("aria-label", `${button.textContent}${isEnglish ? ` ${label.toLowerCase()}` : `: ${label}`}`);
  };
  const pair = document.createElement("div");
  pair.className = "shown";
  field.replaceWith(pair);
  pair.append(field, button);
  show(false);
  button.addEventListener("click", () => show(field.type === "password"));
  // What is sent and remembered is a password, whatever was shown.
  field.form?.addEventListener("submit", () => show(false));
}
document.querySelector("[autofocus]")?.focus();
