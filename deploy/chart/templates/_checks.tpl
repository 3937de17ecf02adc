{{- /* Refuses combinations of values that a schema cannot compare. */}}
{{- define "conductor-jwt.checks" -}}
{{- $v := .Values }}
{{- if and $v.jwks.enabled $v.status.enabled (eq (int $v.jwks.port) (int $v.status.port)) }}
{{- fail "jwks.port and status.port are the same; set two ports" }}
{{- end }}
{{- if and $v.policy.configMap $v.policy.inline }}
{{- fail "policy.configMap and policy.inline are both set; set one" }}
{{- end }}
{{- if and $v.keda.enabled (gt (int $v.keda.minReplicas) (int $v.keda.maxReplicas)) }}
{{- fail "keda.minReplicas is greater than keda.maxReplicas" }}
{{- end }}
{{- if and $v.jwks.ingress.enabled (not (and $v.jwks.enabled $v.jwks.ingress.host)) }}
{{- fail "jwks.ingress needs jwks.enabled and jwks.ingress.host" }}
{{- end }}
{{- if and $v.jwks.httpRoute.enabled (not (and $v.jwks.enabled $v.jwks.httpRoute.parentRefs)) }}
{{- fail "jwks.httpRoute needs jwks.enabled and jwks.httpRoute.parentRefs" }}
{{- end }}
{{- $drain := include "conductor-jwt.milliseconds" ($v.settings.drain_timeout | default "25s") }}
{{- if and $drain (le (mul (int64 $v.terminationGracePeriodSeconds) 1000) (int64 $drain)) }}
{{- fail "terminationGracePeriodSeconds is not longer than settings.drain_timeout; pods would be killed while they drain" }}
{{- end }}
{{- $names := list }}
{{- range $v.extraEnv }}
{{- if has .name $names }}{{ fail (printf "extraEnv: %s is set twice" .name) }}{{ end }}
{{- $names = append $names .name }}
{{- end }}
{{- $volumes := list }}
{{- range $v.extraVolumes }}
{{- if has .name $volumes }}{{ fail (printf "extraVolumes: %s is there twice" .name) }}{{ end }}
{{- $volumes = append $volumes .name }}
{{- end }}
{{- end }}
