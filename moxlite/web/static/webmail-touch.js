function adopt(text) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@layer app {${text}}`);
  document.adoptedStyleSheets.push(sheet);
}

var touch_default = ".message.swiped-left{background:var(--warning-background)}.message.swiped-right{background:var(--success-background)}.message.swiped-far{font-weight:650}.toast button{min-width:44px;min-height:44px}\n";

adopt(touch_default);
var far = 90;
var least = 12;
var longPress = 500;
function swipes(list, possible, done, held) {
  let resting = 0;
  let pressed = false;
  let row = null;
  let from = { x: 0, y: 0 };
  let pushed = false;
  const show = (by) => {
    row?.style.setProperty("--swipe", `${by}px`);
    row?.classList.toggle("swiped-right", by > 0);
    row?.classList.toggle("swiped-left", by < 0);
    row?.classList.toggle("swiped-far", Math.abs(by) >= far);
  };
  const end = () => {
    show(0);
    row = null;
    pushed = false;
  };
  list.addEventListener("pointerdown", (event) => {
    pressed = false;
    if (event.pointerType !== "touch" || !(event.target instanceof Element)) return;
    const found = event.target.closest(".message");
    if (found === null || !possible(found)) return;
    row = found;
    from = { x: event.clientX, y: event.clientY };
    clearTimeout(resting);
    resting = window.setTimeout(() => {
      if (row !== found || pushed) return;
      end();
      pressed = true;
      navigator.vibrate?.(10);
      held(found);
    }, longPress);
  });
  list.addEventListener("pointermove", (event) => {
    if (row === null || event.pointerType !== "touch") return;
    const by = event.clientX - from.x;
    if (Math.hypot(by, event.clientY - from.y) >= least) clearTimeout(resting);
    if (!pushed && Math.abs(event.clientY - from.y) > Math.abs(by)) return;
    if (!pushed && Math.abs(by) < least) return;
    pushed = true;
    show(by);
  });
  list.addEventListener("pointerup", (event) => {
    clearTimeout(resting);
    const target = row;
    const by = event.clientX - from.x;
    const enough = pushed && Math.abs(by) >= far;
    end();
    if (target !== null && enough) done(target, by > 0 ? "right" : "left");
  });
  list.addEventListener("pointercancel", () => {
    clearTimeout(resting);
    end();
  });
  list.addEventListener("contextmenu", (event) => {
    if (row === null && !pressed) return;
    event.stopImmediatePropagation();
    event.preventDefault();
  }, true);
  list.addEventListener("click", (event) => {
    if (!pressed) return;
    pressed = false;
    event.stopImmediatePropagation();
    event.preventDefault();
  }, true);
}
export {
  swipes
};
