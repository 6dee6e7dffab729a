import { text, textList } from './flag-values.ts'

/** Flags about the plug-ins that writes pass. */
export const admissionFlags = {
  'enable-admission-plugins': textList,
  'disable-admission-plugins': textList,
  /** A file with an AdmissionConfiguration: what single plug-ins are told. */
  'admission-control-config-file': text,
}
