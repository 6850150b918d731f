// Runs before the first paint so that a dark desk never flashes white. A file of its own because
// the content security policy forbids inline scripts.
(() => {
  let chosen = null;
  try {
    chosen = window.localStorage.getItem('greenlight-color-scheme');
  } catch {
    // Storage may be forbidden; the system's preference decides then.
  }
  const dark =
    chosen === 'dark' ||
    (chosen !== 'light' && window.matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();

// Under this nonce the content security policy lets libraries write style elements.
window.__webpack_nonce__ = document.querySelector('meta[property=csp-nonce]')?.nonce;
