// A login provider for moxlite's tests: node provider.mjs PORT BASE, where BASE is the address of moxlite's web pages. Whoever types a
// name is that person; "mia" is in the group of administrators.

import Provider from "oidc-provider";

const [port, base] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "moxlite",
      client_secret: "a secret: of the client",
      redirect_uris: [`${base}/`, `${base}/webmail/`, `${base}/admin/`],
      post_logout_redirect_uris: [`${base}/`, `${base}/webmail/`, `${base}/admin/`],
      backchannel_logout_uri: `${base}/webmail/provider-logout`,
      require_auth_time: true,
    },
  ],
  claims: { groups: ["groups"] },
  conformIdTokenClaims: false,
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, groups: sub === "mia" ? ["staff", "mail admins"] : ["staff"] }),
  }),
  features: { backchannelLogout: { enabled: true } },
  // it would reach no loopback
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
});
// browsers ask for an icon, and a missing one is an error on the page that they came from
provider.use((context, next) => (context.path === "/favicon.ico" ? (context.status = 204) : next()));
provider.on("backchannel.error", (_, error) => console.error("backchannel", error));
provider.on("backchannel.success", () => console.error("backchannel ended"));
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
