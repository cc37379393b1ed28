/**
 * The Markdown that Teams shows in cards, and no more: bold, italic, links. It runs in the page that takes the
 * pictures, so it stands alone. All else is text: what looks like HTML stays visible.
 */
export function markdownToHtml(text: string): string {
  const escaped = text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
  return escaped
    .replace(/\[([^\]]*)\]\((https:[^)\s]+)\)/g, '<a href="$2">$1</a>')
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replace(/(?<![\p{L}\p{N}])[_*]([^_*]+)[_*](?![\p{L}\p{N}])/gu, '<em>$1</em>')
}
