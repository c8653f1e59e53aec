// The map page: points on a canvas, quick with ten thousand of them. Dishes have colours; a grid
// of cells finds the point under the pointer without looking at all of them.

import { ask, dishName, find, h, openRecipe, photoAddress, setUpDialog, setUpTheme, showAbout } from "./shared.js";

const RETRY_MS = 1000;
const CELLS = 64;
const REACH_PX = 14;
const MAX_ZOOM = 40;

const canvas = find("map");
const state = {
  points: null, // {x, y, dish, ids, titles}
  dishes: [],
  grid: [],
  view: { scale: 1, x: 0, y: 0 },
  size: { width: 1, height: 1 },
  chosen: new Set(),
  hovered: -1,
  frame: 0,
};

// ---- the view: places are 0 to 1, the view says where they lie on the screen -----------------

function fit() {
  return Math.min(state.size.width, state.size.height * 1.25) * 0.92;
}

function toScreen(index) {
  const { scale, x, y } = state.view;
  const unit = fit() * scale;
  return [
    state.size.width / 2 + (state.points.x[index] - 0.5 - x) * unit,
    state.size.height / 2 + (state.points.y[index] * ratio() - 0.5 * ratio() - y) * unit,
  ];
}

function fromScreen(left, top) {
  const { scale, x, y } = state.view;
  const unit = fit() * scale;
  return [
    (left - state.size.width / 2) / unit + 0.5 + x,
    ((top - state.size.height / 2) / unit + y + 0.5 * ratio()) / ratio(),
  ];
}

/** The map is squeezed a little where the window is wide and low. */
function ratio() {
  return Math.min(1, (state.size.height * 0.94) / fit());
}

function zoom(factor, left = state.size.width / 2, top = state.size.height / 2) {
  const [x, y] = fromScreen(left, top);
  state.view.scale = Math.min(MAX_ZOOM, Math.max(1, state.view.scale * factor));
  const [newX, newY] = fromScreen(left, top);
  state.view.x += x - newX;
  state.view.y += (y - newY) * ratio();
  if (state.view.scale === 1) state.view.x = state.view.y = 0;
  redraw();
}

// ---- drawing -------------------------------------------------------------------------------

function colour(dish, alpha = 1) {
  if (dish < 0) return `hsl(30 6% 55% / ${alpha})`;
  const isDark = document.documentElement.dataset.theme === "dark";
  const hue = (dish * 137.508) % 360;
  const light = (isDark ? 62 : 44) + (dish % 3) * 6;
  return `hsl(${hue} 62% ${light}% / ${alpha})`;
}

function redraw() {
  if (!state.frame) state.frame = requestAnimationFrame(draw);
}

function draw() {
  state.frame = 0;
  const context = canvas.getContext("2d");
  const density = window.devicePixelRatio || 1;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, state.size.width, state.size.height);
  if (!state.points) return;
  const count = state.points.x.length;
  const radius = Math.min(9, (count > 3000 ? 2.2 : 3.4) * Math.sqrt(state.view.scale));
  const byDish = new Map();
  for (let index = 0; index < count; index += 1) {
    const [left, top] = toScreen(index);
    if (left < -10 || top < -10 || left > state.size.width + 10 || top > state.size.height + 10) continue;
    const dish = state.points.dish[index];
    if (!byDish.has(dish)) byDish.set(dish, new Path2D());
    const path = byDish.get(dish);
    path.moveTo(left + radius, top);
    path.arc(left, top, radius, 0, 2 * Math.PI);
  }
  const isChosen = (dish) => !state.chosen.size || state.chosen.has(dish);
  const order = [...byDish].sort(([a], [b]) => Number(isChosen(a)) - Number(isChosen(b)) || a - b);
  for (const [dish, path] of order) {
    context.fillStyle = colour(dish, isChosen(dish) ? 0.85 : 0.1);
    context.fill(path);
  }
  if (state.hovered >= 0) ring(context, state.hovered, radius + 3);
}

function ring(context, index, radius) {
  const [left, top] = toScreen(index);
  context.beginPath();
  context.arc(left, top, radius, 0, 2 * Math.PI);
  context.lineWidth = 2;
  context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--ink");
  context.stroke();
}

// ---- finding -------------------------------------------------------------------------------

function cellOf(place) {
  return Math.min(CELLS - 1, Math.max(0, Math.floor(place * CELLS)));
}

function buildGrid() {
  state.grid = Array.from({ length: CELLS * CELLS }, () => []);
  state.points.x.forEach((x, index) => {
    state.grid[cellOf(state.points.y[index]) * CELLS + cellOf(x)].push(index);
  });
}

/** The point nearest to a place on the screen, within reach; -1 where there is none. */
function pointAt(left, top) {
  if (!state.points) return -1;
  const [x0, y0] = fromScreen(left - REACH_PX, top - REACH_PX);
  const [x1, y1] = fromScreen(left + REACH_PX, top + REACH_PX);
  let best = -1;
  let nearest = REACH_PX ** 2;
  for (let row = cellOf(y0); row <= cellOf(y1); row += 1) {
    for (let column = cellOf(x0); column <= cellOf(x1); column += 1) {
      for (const index of state.grid[row * CELLS + column]) {
        if (state.chosen.size && !state.chosen.has(state.points.dish[index])) continue;
        const [pointLeft, pointTop] = toScreen(index);
        const distance = (pointLeft - left) ** 2 + (pointTop - top) ** 2;
        if (distance < nearest) [nearest, best] = [distance, index];
      }
    }
  }
  return best;
}

/** The next point in a direction: near, and not far off the straight line. */
function pointTowards(from, stepX, stepY) {
  const [left, top] = toScreen(from);
  let best = from;
  let cheapest = Infinity;
  for (let index = 0; index < state.points.x.length; index += 1) {
    if (state.chosen.size && !state.chosen.has(state.points.dish[index])) continue;
    const [pointLeft, pointTop] = toScreen(index);
    const along = (pointLeft - left) * stepX + (pointTop - top) * stepY;
    const across = Math.abs((pointLeft - left) * stepY) + Math.abs((pointTop - top) * stepX);
    if (along < 1 || across > 2 * along) continue;
    if (along + 2 * across < cheapest) [cheapest, best] = [along + 2 * across, index];
  }
  return best;
}

// ---- hovering and opening ------------------------------------------------------------------

function nameOfDish(index) {
  const dish = state.dishes[state.points.dish[index]];
  return dish ? dishName(dish)[0] : "no dish known";
}

function hover(index) {
  if (index === state.hovered) return;
  state.hovered = index;
  canvas.style.cursor = index >= 0 ? "pointer" : "crosshair";
  const tip = find("tip");
  tip.hidden = index < 0;
  if (index >= 0) {
    const id = state.points.ids[index];
    const title = state.points.titles[index] ?? id;
    const photo = state.points.has_photo[index]
      ? h("img", { src: photoAddress(id, 320), alt: "" })
      : "";
    tip.replaceChildren(photo, h("div", {}, h("strong", {}, title), nameOfDish(index)));
    const [left, top] = toScreen(index);
    const below = top + 14 + tip.offsetHeight < state.size.height;
    tip.style.left = `${Math.max(8, Math.min(left + 14, state.size.width - tip.offsetWidth - 8))}px`;
    tip.style.top = `${below ? top + 14 : Math.max(8, top - 14 - tip.offsetHeight)}px`;
    find("status").textContent = `${title}, ${nameOfDish(index)}`;
  }
  redraw();
}

function open(index) {
  if (index < 0) return;
  openRecipe(state.points.ids[index], (item) => [
    h("a", { class: "plain", href: `/?like=${encodeURIComponent(item.recipe_id)}` }, "Like this"),
  ]);
}

function setUpPointer() {
  const pointers = new Map();
  let moved = 0;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    moved = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const [left, top] = place(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      hover(pointAt(left, top));
      return;
    }
    const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    if (others.length) {
      const [x, y] = others[0];
      const spread = Math.hypot(left - x, top - y) / (Math.hypot(before[0] - x, before[1] - y) || 1);
      zoom(spread, (left + x) / 2, (top + y) / 2);
    } else if (state.view.scale > 1) {
      state.view.x -= (left - before[0]) / (fit() * state.view.scale);
      state.view.y -= (top - before[1]) / (fit() * state.view.scale);
      redraw();
    }
    moved += Math.hypot(left - before[0], top - before[1]);
    pointers.set(event.pointerId, [left, top]);
  });
  const lift = (event) => {
    const wasDown = pointers.delete(event.pointerId);
    if (event.type !== "pointerup" || !wasDown || moved > 6 || pointers.size) return;
    const index = pointAt(...place(event));
    hover(index);
    open(index);
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("pointerleave", () => hover(-1));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * 0.0015), ...place(event));
  }, { passive: false });
}

function setUpKeys() {
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (!state.points?.x.length) return;
    if (event.key in steps) {
      event.preventDefault();
      hover(state.hovered < 0 ? 0 : pointTowards(state.hovered, ...steps[event.key]));
    } else if (event.key === "Enter") {
      event.preventDefault(); // or it would press the window's close button as well
      open(state.hovered);
    } else if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else if (event.key === "Escape") {
      hover(-1);
      zoom(0);
    }
  });
  find("zoom-in").addEventListener("click", () => zoom(1.5));
  find("zoom-out").addEventListener("click", () => zoom(1 / 1.5));
  find("zoom-all").addEventListener("click", () => zoom(0));
}

// ---- the list of dishes --------------------------------------------------------------------

function showDishes() {
  const wanted = find("find").value.trim().toLowerCase();
  const entries = state.dishes
    .map((dish, index) => ({ ...dish, index }))
    .filter((dish) => [dish.name_ko, dish.name_en, dish.dish].some((name) => name?.toLowerCase().includes(wanted)))
    .sort((a, b) => b.points - a.points);
  find("dishes").replaceChildren(...entries.map((dish) => {
    const dot = h("span", { class: "dot" });
    dot.style.background = colour(dish.index);
    const [name, english] = dishName(dish);
    return h("li", {},
      h("button", {
        class: "swatch",
        type: "button",
        "aria-pressed": String(state.chosen.has(dish.index)),
        onclick: () => toggle(dish.index),
      }, dot, h("span", { class: "name" }, english ? `${name} ${english}` : name), h("span", { class: "quiet" }, String(dish.points))));
  }));
}

function toggle(dish) {
  if (!state.chosen.delete(dish)) state.chosen.add(dish);
  hover(-1);
  showDishes();
  redraw();
}

// ---- loading -------------------------------------------------------------------------------

function resize() {
  const box = find("stage").getBoundingClientRect();
  const density = window.devicePixelRatio || 1;
  state.size = { width: box.width, height: box.height };
  canvas.width = Math.round(box.width * density);
  canvas.height = Math.round(box.height * density);
  redraw();
}

async function load() {
  try {
    const map = await ask("/map.json");
    if (map.state !== "ready") {
      find("status").textContent = `Drawing the map of ${map.recipes.toLocaleString("en")} recipes (once for an index) …`;
      setTimeout(load, RETRY_MS);
      return;
    }
    state.points = map.points;
    state.dishes = map.dishes;
    buildGrid();
    showDishes();
    redraw();
    const shown = map.points.ids.length.toLocaleString("en");
    find("status").textContent = map.points.ids.length < map.recipes
      ? `${shown} of ${map.recipes.toLocaleString("en")} recipes`
      : `${shown} recipes`;
    canvas.dataset.ready = "true";
  } catch (error) {
    find("status").replaceChildren(error.message);
  }
}

setUpTheme();
setUpDialog();
setUpPointer();
setUpKeys();
showAbout();
find("find").addEventListener("input", showDishes);
document.addEventListener("theme", () => {
  showDishes();
  redraw();
});
new ResizeObserver(resize).observe(find("stage"));
load();
