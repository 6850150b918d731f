/**
 * Where to go after signing in. Only a path of this site: `//elsewhere` and absolute addresses
 * would let a crafted link send a signed-in person away.
 */
export function safeReturnPath(path: string | undefined): string {
  const isLocal = path?.startsWith('/') && !path.startsWith('//') && !path.includes('\\');
  return isLocal && path !== undefined && !path.startsWith('/login') ? path : '/recommendations';
}
