/** A double as Go prints it: as few digits as read back the same, with an exponent below 1e-4 and from 1e6 on. */
export function goFloat(value: number): string {
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 6) return String(value)
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/** A number as Go prints it that JSON gave it: whole ones are integers there. */
export const goNumber = (value: number): string => (Number.isSafeInteger(value) ? String(value) : goFloat(value))
