import type { KubeObject } from './object.ts'

/** The owner reference of the controller that manages an object. */
export const controllerOf = ({ metadata }: KubeObject) => metadata.ownerReferences?.find(({ controller }) => controller)
