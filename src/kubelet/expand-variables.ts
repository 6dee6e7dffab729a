/**
 * `$(NAME)` becomes the variable's value and `$$` one dollar sign; what names nothing stays as it is written, as upstream's
 * expansion of commands, arguments and variables has it.
 */
export function expandVariables(text: string, valueFor: (name: string) => string | undefined): string {
  return text.replace(/\$(\$|\(([^()]*)\))/g, (whole, inner: string, name: string | undefined) => {
    if (inner === '$') return '$'
    return valueFor(name ?? '') ?? whole
  })
}
