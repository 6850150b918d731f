/** The client a person last looked at, kept for the next visit. Absent means all clients. */
const KEY = 'greenlight-client';

export function rememberedClient(): string | null {
  try {
    return window.localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function rememberClient(slug: string | null): void {
  try {
    if (slug === null) window.localStorage.removeItem(KEY);
    else window.localStorage.setItem(KEY, slug);
  } catch {
    // Without storage the choice lasts as long as the address.
  }
}
