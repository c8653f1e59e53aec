// What an answer looks like: bars of dishes, cards of recipes.

import { PARTS, credit, dishName, h, photoAddress } from "./shared.js";

/** A dish as a bar; its length is its score beside the best one's. */
export function dishBar(dish, best, onclick) {
  const [name, english] = dishName(dish);
  const fill = h("span", { class: "fill" });
  fill.style.width = `${(100 * Math.max(0, dish.score)) / best}%`;
  const recipes = `${dish.recipes} ${dish.recipes === 1 ? "recipe" : "recipes"}`;
  return h("li", {},
    h("button", { class: "bar", type: "button", onclick, title: `${recipes}; search within this dish` },
      h("span", { class: "rank" }, String(dish.rank)),
      h("span", { class: "name" }, name, english ? h("small", {}, ` ${english}`) : null),
      h("span", { class: "track" }, fill),
      h("span", { class: "score" }, dish.score.toFixed(3))));
}

/** A recipe as a card: photo, score, what it shares, what carried it, and what to do with it. */
export function itemCard(item, actions) {
  const title = item.title ?? item.recipe_id;
  return h("li", { class: "card", "data-id": item.recipe_id },
    h("button", { class: "shot", type: "button", onclick: actions.open, "aria-label": `Open ${title}` },
      shot(item),
      h("span", { class: "badge", title: `nearness ${item.score.toFixed(4)}` }, item.score.toFixed(2))),
    h("div", { class: "body" },
      h("h3", { title }, title),
      h("p", { class: "meta" }, item.dish ? `${dishName({ ...item.dish_names, dish: item.dish })[0]} · ` : "", credit(item)),
      item.shared_ingredients.length ? sharedChips(item.shared_ingredients) : null,
      carriedBy(item.contributions),
      h("div", { class: "do" },
        h("button", { class: "plain", type: "button", onclick: actions.like }, "Like this"),
        h("button", { class: "plain", type: "button", onclick: actions.minus }, "Without"))));
}

function shot(item) {
  const none = () => h("span", { class: "none" }, "no photo");
  if (!item.photo) return none();
  const picture = h("img", { src: photoAddress(item.recipe_id, 320), alt: "", loading: "lazy" });
  picture.addEventListener("error", () => picture.replaceWith(none()));
  return picture;
}

function sharedChips(names) {
  const shown = names.slice(0, 5).map((name) => h("li", { class: "chip shared" }, h("span", {}, name)));
  if (names.length > 5) shown.push(h("li", { class: "chip" }, `+${names.length - 5}`));
  return h("ul", { class: "chips", "aria-label": "Shared ingredients" }, shown);
}

/** Shares of what brought a recipe here; what spoke against it has no length. */
function sharesOf(contributions) {
  const positive = Object.entries(contributions).filter(([part, value]) => value > 0 && part in PARTS);
  const total = positive.reduce((sum, [, value]) => sum + value, 0);
  return positive.map(([part, value]) => [part, value / total]);
}

/** One bar in parts: how much of the nearness each part of the query carried. */
function carriedBy(contributions) {
  const shares = sharesOf(contributions);
  if (!shares.length) return null;
  const words = shares.map(([part, share]) => `${PARTS[part]} ${Math.round(100 * share)}%`).join(", ");
  return h("div", { class: "parts", role: "img", title: `carried by ${words}`, "aria-label": `carried by ${words}` },
    shares.map(([part, share]) => {
      const piece = h("span", { class: `of-${part}` });
      piece.style.width = `${100 * share}%`;
      return piece;
    }));
}

/** The colours in use, for the line above the cards. */
export function legendEntries(items) {
  const used = new Set(items.flatMap((item) => sharesOf(item.contributions).map(([part]) => part)));
  return Object.keys(PARTS).filter((part) => used.has(part)).map((part) =>
    h("li", {}, h("span", { class: `dot of-${part}` }), `carried by ${PARTS[part]}`));
}
