var [pollEvery, pollFor] = [15e3, 6e5];
var mostFailed = 2;
function websocket({ base, token, opening, take, gone }) {
  const { request, since } = opening();
  const parameters = new URLSearchParams({ token, since });
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${base}ws?${parameters}`, "moxlite.webmail.v1");
  socket.onopen = () => socket.send(JSON.stringify({ request }));
  socket.onmessage = (message) => {
    const frame = JSON.parse(String(message.data));
    take(JSON.stringify(frame.data));
  };
  socket.onclose = () => gone();
  return socket;
}
function polls(wiring) {
  const { base, client, opening, take, gone } = wiring;
  const stop = new AbortController();
  const begun = Date.now();
  let [token, asked, next, resting, failed] = [wiring.token, null, 0, false, 0];
  async function poll() {
    resting = false;
    token ||= await client.token();
    const { request, since } = opening();
    const parameters = new URLSearchParams({ token, request: JSON.stringify(request), since });
    token = "";
    const carried = asked;
    if (carried !== null) parameters.set("asked", JSON.stringify(carried));
    const answer = await fetch(`${base}poll?${parameters}`, { signal: stop.signal });
    const all = [...(await answer.text()).matchAll(/^data: (.*)/gm)];
    if (all.length === 0) throw new TypeError();
    for (const [, data] of all) take(data);
    failed = 0;
    if (asked === carried) asked = null;
  }
  function turn() {
    clearTimeout(next);
    poll().catch(() => failed++).then(() => {
      if (stop.signal.aborted) return;
      if (failed >= mostFailed || Date.now() - begun > pollFor) {
        gone(failed === 0);
        return;
      }
      resting = true;
      next = window.setTimeout(turn, asked === null && failed === 0 ? pollEvery : 0);
    });
  }
  turn();
  return { close() {
    clearTimeout(next);
    stop.abort();
  }, asks(request) {
    if (request.cancel !== true) asked = request;
    if (resting) turn();
    return true;
  } };
}
export {
  polls,
  websocket
};
