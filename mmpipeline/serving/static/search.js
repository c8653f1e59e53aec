// The search page: reads the form, asks the service, shows what it says.

import { PARTS, ask, find, h, itemAddress, openRecipe, setUpDialog, setUpTheme, showAbout } from "./shared.js";
import { shrink } from "./photo.js";
import { dishBar, itemCard, legendEntries } from "./answer.js";

const FIRST_K = 12;
const MAX_K = 96;
const TEXTS = ["title", "ingredients", "steps", "without"];
const WEIGHED = ["image", "title", "ingredients", "instructions"];
const CHOICES = ["language", "source", "dish", "tag"];

const state = { photo: null, preview: null, likes: [], minuses: [], k: FIRST_K, running: null };

// ---- what is asked -------------------------------------------------------------------------

function lines(text, separator) {
  return text.split(separator).map((part) => part.trim()).filter(Boolean);
}

function readWeights() {
  const weights = {};
  for (const part of WEIGHED) {
    const weight = Number(find(`weight-${part}`).value);
    if (weight !== 1) weights[part] = weight;
  }
  return weights;
}

function readFilters() {
  const filters = {};
  for (const name of CHOICES) {
    const value = find(name).value.trim();
    if (value) filters[name === "tag" ? "tags" : name] = [value];
  }
  return filters;
}

function readQuery() {
  const query = { k: state.k };
  const title = find("title").value.trim();
  const ingredients = lines(find("ingredients").value, /[,\n]/);
  const steps = lines(find("steps").value, "\n");
  const without = find("without").value.trim();
  if (title) query.title = title;
  if (ingredients.length) query.ingredients = ingredients;
  if (steps.length) query.instructions = steps;
  if (state.likes.length) query.like = state.likes.map((item) => item.recipe_id);
  const minus = {};
  if (without) Object.assign(minus, { title: without, ingredients: lines(without, ",") });
  if (state.minuses.length) minus.like = state.minuses.map((item) => item.recipe_id);
  if (Object.keys(minus).length) query.minus = minus;
  const weights = readWeights();
  if (Object.keys(weights).length) query.weights = weights;
  const filters = readFilters();
  if (Object.keys(filters).length) query.filters = filters;
  return query;
}

function isEmpty(query) {
  return !(query.title || query.ingredients || query.instructions || query.like || state.photo);
}

// ---- asking --------------------------------------------------------------------------------

async function search({ keepK = false, goThere = true } = {}) {
  if (!keepK) state.k = FIRST_K;
  const query = readQuery();
  showFilterCount(query.filters);
  if (isEmpty(query)) {
    showProblem("Give a photo, a title, ingredients or steps.");
    find("title").focus();
    return;
  }
  state.running?.abort();
  const running = new AbortController();
  state.running = running;
  showLoading();
  if (goThere && matchMedia("(max-width: 860px)").matches) find("results").scrollIntoView();
  const started = performance.now();
  try {
    const answer = await ask("/search", { ...makeRequest(query), signal: running.signal });
    showAnswer(answer, performance.now() - started);
    remember(query);
  } catch (error) {
    if (error.name !== "AbortError") showProblem(error.message, true);
  } finally {
    if (state.running === running) find("results").setAttribute("aria-busy", "false");
  }
}

function makeRequest(query) {
  if (!state.photo) {
    return {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(query),
    };
  }
  const form = new FormData();
  form.append("query", JSON.stringify(query));
  form.append("photo", state.photo, "photo");
  return { method: "POST", body: form };
}

/** Keep the address in step, so that an answer can be reloaded and shared; photos stay out. */
function remember(query) {
  const parameters = new URLSearchParams();
  for (const name of TEXTS) if (find(name).value.trim()) parameters.set(name, find(name).value.trim());
  for (const name of CHOICES) if (find(name).value.trim()) parameters.set(name, find(name).value.trim());
  for (const id of query.like ?? []) parameters.append("like", id);
  for (const id of query.minus?.like ?? []) parameters.append("unlike", id);
  const text = parameters.toString();
  history.replaceState(null, "", text ? `/?${text}` : "/");
}

// ---- showing -------------------------------------------------------------------------------

function showOnly(...ids) {
  for (const id of ["problem", "verdict", "start", "dishes-part", "items-part"]) {
    find(id).hidden = !ids.includes(id);
  }
}

function showLoading() {
  find("results").setAttribute("aria-busy", "true");
  find("status").textContent = "Searching …";
  if (!find("items-part").hidden && find("items").querySelector(".card")) return;
  showOnly("items-part");
  find("legend").replaceChildren();
  find("more").hidden = true;
  find("items").replaceChildren(
    ...Array.from({ length: 8 }, () => h("li", { class: "skeleton", "aria-hidden": "true" })),
  );
}

function showProblem(message, canRetry = false) {
  showOnly("problem");
  find("status").textContent = "";
  find("problem").replaceChildren(
    h("p", {}, message),
    canRetry ? h("button", { class: "plain", type: "button", onclick: () => search() }, "Try again") : null,
  );
  if (!canRetry) find("start").hidden = false;
}

function showAnswer(answer, milliseconds) {
  showOnly("dishes-part", "items-part");
  const asked = answer.asked_with.map((part) => PARTS[part] ?? part).join(", ");
  find("status").textContent =
    `${answer.items.length} recipes in ${Math.max(1, Math.round(milliseconds))} ms` +
    (asked ? `, asked with ${asked}` : "");
  find("verdict").hidden = answer.verdict.is_confident !== false;
  find("verdict").replaceChildren(
    h("p", {}, h("strong", {}, "Nothing like this here. "), "These are the nearest all the same."),
  );
  find("dishes-part").hidden = !answer.dishes.length;
  const best = Math.max(...answer.dishes.map((dish) => dish.score), 0.01);
  find("dishes").replaceChildren(
    ...answer.dishes.slice(0, 8).map((dish) => dishBar(dish, best, () => within(dish.dish))),
  );
  if (!answer.items.length) {
    find("items").replaceChildren(h("li", { class: "quiet" }, "No recipe passes the filters."));
  } else {
    find("items").replaceChildren(...answer.items.map((item) => itemCard(item, cardActions(item))));
  }
  find("legend").replaceChildren(...legendEntries(answer.items));
  find("more").hidden = answer.items.length < state.k || state.k >= MAX_K;
}

function cardActions(item) {
  return {
    open: () => openRecipe(item.recipe_id, (whole) => dialogActions({ ...item, ...whole })),
    like: () => pick(item, state.likes),
    minus: () => pick(item, state.minuses),
  };
}

function dialogActions(item) {
  const then = (list) => () => {
    find("recipe").close();
    pick(item, list);
  };
  return [
    h("button", { class: "plain", type: "button", onclick: then(state.likes) }, "Like this"),
    h("button", { class: "plain", type: "button", onclick: then(state.minuses) }, "Without this"),
  ];
}

// ---- the query's recipes, filters and photo ------------------------------------------------

/** Ask for what is like a recipe (alone: the texts and the photo make room), or without it. */
function pick(item, list) {
  if (list === state.likes) {
    for (const name of TEXTS) find(name).value = "";
    setPhoto(null);
    state.likes.length = 0;
  }
  if (!list.some((each) => each.recipe_id === item.recipe_id)) list.push(item);
  showPicked();
  search();
  find("results").focus({ preventScroll: true });
  find("results").scrollIntoView({ block: "start" });
}

function drop(item, list) {
  list.splice(list.indexOf(item), 1);
  showPicked();
  if (isEmpty(readQuery())) showStart();
  else search({ goThere: false });
}

function showPicked() {
  const chip = (item, list, kind, word) =>
    h("li", { class: `chip ${kind}` },
      h("span", {}, `${word} ${item.title ?? item.recipe_id}`),
      h("button", { type: "button", "aria-label": `Remove ${item.title ?? item.recipe_id}`, onclick: () => drop(item, list) }, "✕"));
  find("picked").replaceChildren(
    ...state.likes.map((item) => chip(item, state.likes, "like", "like")),
    ...state.minuses.map((item) => chip(item, state.minuses, "minus", "without")),
  );
  find("picked").hidden = !state.likes.length && !state.minuses.length;
}

function within(dish) {
  const choice = find("dish");
  choice.value = choice.value === dish ? "" : dish;
  find("filters").open = true;
  search();
}

function showFilterCount(filters = {}) {
  const count = Object.keys(filters).length;
  find("filter-count").textContent = String(count);
  find("filter-count").hidden = !count;
}

async function setPhoto(file) {
  if (state.preview) URL.revokeObjectURL(state.preview);
  state.photo = file ? await shrink(file) : null;
  state.preview = file ? URL.createObjectURL(state.photo) : null;
  find("preview").hidden = !file;
  find("drop").classList.toggle("filled", Boolean(file));
  if (file) find("preview-image").src = state.preview;
  else {
    find("preview-image").removeAttribute("src");
    find("photo").value = "";
  }
}

async function takePhoto(file) {
  if (!file) return;
  await setPhoto(file);
  search();
}

function showStart() {
  state.running?.abort();
  showOnly("start");
  find("status").textContent = "";
  history.replaceState(null, "", "/");
}

// ---- wiring --------------------------------------------------------------------------------

function setUpPhoto() {
  const area = find("drop");
  find("photo").addEventListener("change", (event) => takePhoto(event.target.files[0]));
  find("remove-photo").addEventListener("click", async () => {
    await setPhoto(null);
    find("photo").focus();
    if (isEmpty(readQuery())) showStart();
    else search({ goThere: false });
  });
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      area.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) area.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("over");
    takePhoto([...event.dataTransfer.files].find((file) => file.type.startsWith("image/")) ?? event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith("image/"));
    if (file) takePhoto(file);
  });
}

function setUpForm() {
  const form = find("query");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  form.addEventListener("reset", () => {
    // The fields are empty only after this event.
    setTimeout(() => {
      state.likes.length = 0;
      state.minuses.length = 0;
      setPhoto(null);
      showPicked();
      showFilterCount();
      for (const output of form.querySelectorAll("output")) output.textContent = "1";
      showStart();
      find("title").focus();
    });
  });
  find("steps").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) search();
  });
  for (const name of CHOICES) {
    find(name).addEventListener("change", () => {
      showFilterCount(readFilters());
      if (!isEmpty(readQuery())) search({ goThere: false });
    });
  }
  for (const slider of form.querySelectorAll(".slider input")) {
    slider.addEventListener("input", () => {
      slider.nextElementSibling.textContent = slider.value;
    });
    slider.addEventListener("change", () => {
      if (!isEmpty(readQuery())) search({ goThere: false });
    });
  }
  find("more").addEventListener("click", () => {
    state.k = Math.min(MAX_K, state.k * 2);
    search({ keepK: true, goThere: false });
  });
  document.addEventListener("keydown", onKey);
}

/** "/" goes to the title; Escape takes back what is under way, then leaves the field. */
function onKey(event) {
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  if (event.key === "/" && !isTyping && !find("recipe").open) {
    event.preventDefault();
    find("title").focus();
  } else if (event.key === "Escape" && !find("recipe").open) {
    if (find("results").getAttribute("aria-busy") === "true") {
      state.running?.abort();
      find("results").setAttribute("aria-busy", "false");
      showStart();
    } else if (isTyping) document.activeElement.blur();
  }
}

async function fillChoices() {
  const choices = await ask("/filters");
  const fill = (id, entries, label) => {
    for (const entry of entries) {
      find(id).append(h("option", { value: entry.value }, `${label(entry)} (${entry.recipes})`));
    }
  };
  const languages = { ko: "한국어", en: "English", other: "other" };
  const sources = { "10k": "만개의레시피", r1m: "Recipe1M" };
  fill("language", choices.language, (entry) => languages[entry.value] ?? entry.value);
  fill("source", choices.source, (entry) => sources[entry.value] ?? entry.value);
  fill("dish", choices.dish, (entry) => entry.name ?? entry.value);
  for (const entry of choices.tags) find("tags").append(h("option", { value: entry.value }));
  if (!choices.tags.length) find("tag").closest(".field").hidden = true;
  const examples = choices.dish.filter((entry) => entry.name).sort((a, b) => b.recipes - a.recipes);
  find("examples-label").hidden = !examples.length;
  find("examples").replaceChildren(
    ...examples.slice(0, 8).map((entry) =>
      h("li", {}, h("button", {
        class: "chip big",
        type: "button",
        onclick: () => {
          find("title").value = entry.name;
          search();
        },
      }, entry.name))),
  );
}

/** Take the query from the address: a reload, a shared link, or the map's "like this". */
async function takeAddress(address) {
  const parameters = new URLSearchParams(address);
  if (!parameters.size) return; // whoever types already must not be searched for a second time
  for (const name of [...TEXTS, ...CHOICES]) {
    if (parameters.has(name)) find(name).value = parameters.get(name);
  }
  for (const [name, list] of [["like", state.likes], ["unlike", state.minuses]]) {
    for (const id of parameters.getAll(name).slice(0, 8)) {
      const item = await ask(itemAddress(id)).catch(() => null);
      if (item) list.push(item);
    }
  }
  showPicked();
  if (!isEmpty(readQuery())) search();
}

setUpTheme();
setUpDialog();
setUpPhoto();
setUpForm();
showAbout();
const openedAt = location.search; // a search that is asked meanwhile changes it
fillChoices()
  .catch((error) => showProblem(error.message))
  .finally(() => takeAddress(openedAt));
