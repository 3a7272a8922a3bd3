var mirrored = () => document.documentElement.dir === "rtl";
function along(key2) {
  if (!mirrored()) return key2;
  return { ArrowLeft: "ArrowRight", ArrowRight: "ArrowLeft" }[key2] ?? key2;
}

var key = "moxlite-webmail-panes";
function loadLocal() {
  const found = { layout: "leftright", width: 0, height: 0, left: "trash", right: "archive" };
  try {
    return { ...found, ...JSON.parse(localStorage.getItem(key) ?? "{}") };
  } catch {
    return found;
  }
}
function followLocal(changed) {
  addEventListener("storage", (event) => event.key === key && changed(loadLocal()));
}

var step = 24;
function moveSplitter(panes) {
  followLocal((local) => panes.set(local));
  const { splitter } = panes;
  const pane = panes.root.querySelector(".middle");
  const list = () => pane.getBoundingClientRect();
  new ResizeObserver(() => {
    const { clientWidth, clientHeight } = panes.root;
    if (clientWidth === 0) return;
    const share = panes.below ? list().height / clientHeight : list().width / clientWidth;
    splitter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  }).observe(pane);
  splitter.addEventListener("pointerdown", (event) => {
    splitter.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  splitter.addEventListener("pointermove", (event) => {
    if (!splitter.hasPointerCapture(event.pointerId)) return;
    const { top, left, right } = list();
    panes.resize(panes.below ? event.clientY - top : mirrored() ? right - event.clientX : event.clientX - left);
  });
  splitter.addEventListener("dblclick", () => panes.set({ ...panes.local, [panes.below ? "height" : "width"]: 0 }));
  splitter.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -step, ArrowUp: -step, ArrowRight: step, ArrowDown: step }[along(event.key)];
    if (by === void 0) return;
    panes.resize((panes.below ? list().height : list().width) + by);
    event.preventDefault();
    event.stopPropagation();
  });
}
function oneStop(side) {
  const controls = () => [...side.querySelectorAll("button, input, a")].filter((one) => one.checkVisibility());
  let stop;
  const settle = () => {
    const all = controls();
    if (stop === void 0 || !all.includes(stop)) stop = all.filter((one) => one.ariaCurrent === "page").at(-1) ?? all[0];
    for (const one of all) one.tabIndex = one === stop ? 0 : -1;
  };
  side.addEventListener("focusin", (event) => {
    stop = event.target;
    settle();
  });
  side.addEventListener("keydown", (event) => {
    const [across, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (across === void 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const middle = (one) => {
      const { left, right, top, bottom } = one.getBoundingClientRect();
      return [(left + right) / 2, (top + bottom) / 2];
    };
    const from = middle(event.target);
    let nearest = Infinity;
    let next;
    for (const one of controls()) {
      const to = middle(one);
      const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
      const ahead = across * dx + down * dy;
      const aside = Math.abs(across) > 0 ? Math.abs(dy) * 9 : Math.abs(dx);
      if (ahead > 4 && ahead + aside / 2 < nearest) [nearest, next] = [ahead + aside / 2, one];
    }
    next?.focus();
    event.preventDefault();
    event.stopPropagation();
  });
  new MutationObserver(settle).observe(side, { childList: true, subtree: true });
  addEventListener("resize", settle);
  settle();
}
export {
  moveSplitter,
  oneStop
};
