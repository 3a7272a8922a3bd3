// Security keys in the browser (W3C WebAuthn): the server's JSON in, the key's answer as JSON out.
//
// The JSON forms of Level 3 (parseRequestOptionsFromJSON, toJSON) are missing in Safari before 18.4, so they are written out.

import { t } from "./words";

interface Descriptor {
  id: string;
  type: "public-key";
  transports?: AuthenticatorTransport[];
}

/** Make a key; `options` is PublicKeyCredentialCreationOptionsJSON, the result RegistrationResponseJSON. Throws an error with a text
 * for the user. */
export async function createKey(options: string): Promise<string> {
  const asked = JSON.parse(options);
  const publicKey: PublicKeyCredentialCreationOptions = {
    ...asked,
    challenge: octets(asked.challenge),
    user: { ...asked.user, id: octets(asked.user.id) },
    excludeCredentials: descriptors(asked.excludeCredentials),
  };
  const made = await spoken(() => navigator.credentials.create({ publicKey }));
  const response = made.response as AuthenticatorAttestationResponse;
  return answer(made, {
    clientDataJSON: text(response.clientDataJSON),
    attestationObject: text(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  });
}

/** Use a key; `options` is PublicKeyCredentialRequestOptionsJSON, the result AuthenticationResponseJSON. Throws as `createKey`. */
export async function useKey(options: string): Promise<string> {
  const asked = JSON.parse(options);
  const publicKey: PublicKeyCredentialRequestOptions = {
    ...asked,
    challenge: octets(asked.challenge),
    allowCredentials: descriptors(asked.allowCredentials),
  };
  const used = await spoken(() => navigator.credentials.get({ publicKey }));
  const response = used.response as AuthenticatorAssertionResponse;
  return answer(used, {
    clientDataJSON: text(response.clientDataJSON),
    authenticatorData: text(response.authenticatorData),
    signature: text(response.signature),
    userHandle: response.userHandle === null ? null : text(response.userHandle),
  });
}

/** Whether this browser knows security keys at all. */
export function keysKnown(): boolean {
  return isSecureContext && "credentials" in navigator && typeof PublicKeyCredential !== "undefined";
}

async function spoken(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const found = await ask();
    if (found !== null) return found as PublicKeyCredential;
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (name === "InvalidStateError") throw new Error(t("This security key is already set up."));
    // browsers do not tell a refusal, a time-out and a missing key apart (WebAuthn §14.5.2)
    if (name !== "NotAllowedError" && name !== "AbortError") throw error;
  }
  throw new Error(t("Your security key didn't respond. Try again or choose another method."));
}

function answer(found: PublicKeyCredential, response: Record<string, unknown>): string {
  return JSON.stringify({
    id: found.id,
    rawId: text(found.rawId),
    type: found.type,
    response,
    clientExtensionResults: {},
  });
}

function descriptors(list: Descriptor[] | undefined): PublicKeyCredentialDescriptor[] {
  return (list ?? []).map((one) => ({ ...one, id: octets(one.id) }));
}

/** Octets of base64url without padding (RFC 4648 §5). */
function octets(value: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(value.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
}

/** Octets as base64url without padding. */
function text(value: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(value)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
}
