import { type Authorize, type AuthorizerFactory, allRules, type Decision, noOpinion } from './authorizer.ts'
import { nodeAuthorizer } from './node-authorizer.ts'
import { roleBased } from './role-based.ts'

/** Upstream's `--authorization-mode`; ABAC is not there. */
export const authorizationModes = ['AlwaysAllow', 'AlwaysDeny', 'Webhook', 'Node', 'RBAC'] as const
export type AuthorizationMode = (typeof authorizationModes)[number]

/** What a cluster has unless it says otherwise, as upstream's own installer sets it up. */
export const defaultModes: readonly AuthorizationMode[] = ['Node', 'RBAC']

const alwaysAllow: Authorize = Object.assign((): Decision => ({ type: 'allow', reason: '' }), { rulesOf: () => allRules })
/** Upstream's leaves the refusal to the end of the chain, too. */
const alwaysDeny: Authorize = () => ({ ...noOpinion, reason: 'Everything is forbidden.' })

/** Of a mode that needs nothing more. */
export const authorizerOf = (mode: Exclude<AuthorizationMode, 'Webhook'>): AuthorizerFactory => {
  switch (mode) {
    case 'AlwaysAllow':
      return () => alwaysAllow
    case 'AlwaysDeny':
      return () => alwaysDeny
    case 'Node':
      return nodeAuthorizer
    case 'RBAC':
      return roleBased
  }
}
