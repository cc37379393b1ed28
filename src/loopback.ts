/** Whether a URL's host is this machine itself. A name that only begins like an address, 127.x.example, is not. */
export const isLoopback = ({ hostname }: URL): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
