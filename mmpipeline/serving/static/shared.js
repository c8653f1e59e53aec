// What both pages use: elements, requests, the theme, and the window of one recipe.
// Text from recipes only ever becomes text nodes; no markup is parsed from it.

export const PARTS = {
  image: "photo",
  title: "title",
  ingredients: "ingredients",
  instructions: "steps",
  like: "the liked recipe",
  examples: "examples",
  minus: "something left out",
};

/** Make an element: h("p", {class: "x", onclick}, "text", child, ...). */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const find = (id) => document.getElementById(id);

/** Ask the service; a refusal becomes an Error with its sentence. */
export async function ask(address, options = {}) {
  let response;
  try {
    response = await fetch(address, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The service does not answer. Is it still running?");
  }
  const body = await response.json().catch(() => null);
  if (!response.ok) {
    const refusal = new Error(body?.message ?? `The service answered with status ${response.status}.`);
    refusal.status = response.status;
    throw refusal;
  }
  return body;
}

export function itemAddress(id) {
  return `/items/${encodeURIComponent(id)}`;
}

export function photoAddress(id, size) {
  return `${itemAddress(id)}/photo?size=${size}`;
}

/** Only links to the web are followed, whatever a recipe names as its address. */
export function webAddress(address) {
  return /^https?:\/\//i.test(address ?? "") ? address : null;
}

export function setUpTheme() {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  const apply = () => {
    root.dataset.theme = stored() ?? (system.matches ? "dark" : "light");
    document.dispatchEvent(new Event("theme"));
  };
  system.addEventListener("change", apply);
  find("theme").addEventListener("click", () => {
    try {
      localStorage.setItem("theme", root.dataset.theme === "dark" ? "light" : "dark");
    } catch {
      return;
    }
    apply();
  });
  apply();
}

export async function showAbout() {
  try {
    const about = await ask("/version");
    find("about").textContent =
      `${about.items.toLocaleString("en")} recipes · ${about.dishes.toLocaleString("en")} dishes · version ${about.index.slice(0, 8)}`;
  } catch (error) {
    find("about").textContent = error.status === 503 ? "no index yet" : "";
  }
}

export function dishName(names) {
  const { name_ko: ko, name_en: en, dish } = names;
  return ko && en ? [ko, en] : [ko ?? en ?? dish, null];
}

/** Who wrote it and where it is from, with a link to the original. */
export function credit(item) {
  const address = webAddress(item.url);
  const source = { "10k": "만개의레시피", r1m: "Recipe1M" }[item.source] ?? item.source;
  const words = item.author ? `${item.author}, ${source}` : source;
  return address
    ? h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, words)
    : h("span", {}, words);
}

/** Open a recipe in the page's dialog; `actions` are buttons below it. */
export async function openRecipe(id, actions) {
  const dialog = find("recipe");
  const close = h("button", { class: "round close", type: "button", "aria-label": "Close" }, "✕");
  close.addEventListener("click", () => dialog.close());
  const text = h("div", { class: "text" }, h("p", { class: "quiet" }, "Loading …"));
  const body = h("div", { class: "recipe" }, text, close);
  dialog.replaceChildren(body);
  if (!dialog.open) dialog.showModal();
  try {
    const item = await ask(itemAddress(id));
    if (item.photo) body.prepend(h("img", { class: "large", src: photoAddress(id, 960), alt: "" }));
    const [name, english] = item.dish ? dishName({ ...item.dish_names, dish: item.dish }) : ["no dish known", null];
    text.replaceChildren(
      h("h2", {}, item.title ?? id),
      h("p", { class: "quiet small" }, english ? `${name} ${english}` : name, " · ", credit(item)),
      h("ul", { class: "chips", "aria-label": "Ingredients" },
        item.ingredients.map((each) => h("li", { class: "chip" }, h("span", {}, each)))),
      h("div", { class: "do" }, actions(item)),
    );
    text.querySelector("button, a")?.focus();
  } catch (error) {
    text.replaceChildren(h("p", { role: "alert" }, error.message));
  }
}

/** A dialog closes on a click beside it; Escape is the browser's own. */
export function setUpDialog() {
  const dialog = find("recipe");
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
