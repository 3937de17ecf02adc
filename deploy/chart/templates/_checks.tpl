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
{{- $rolling := $v.strategy.rollingUpdate | default dict }}
{{- if and (eq $v.strategy.type "RollingUpdate") (has (toString $rolling.maxSurge) (list "0" "0%")) (has (toString $rolling.maxUnavailable) (list "0" "0%")) }}
{{- fail "strategy.rollingUpdate: maxSurge and maxUnavailable are both 0; increase one of them" }}
{{- end }}
{{- if and (eq $v.dnsPolicy "None") (not $v.dnsConfig.nameservers) }}
{{- fail "dnsPolicy None needs dnsConfig.nameservers" }}
{{- end }}
{{- range $probe := list "startupProbe" "livenessProbe" "readinessProbe" }}
{{- $handlers := keys (pick (get $v $probe | default dict) "exec" "grpc" "httpGet" "tcpSocket") | sortAlpha }}
{{- if gt (len $handlers) 1 }}
{{- fail (printf "%s has %s; set all but one to null" $probe (join " and " $handlers)) }}
{{- end }}
{{- end }}
{{- $lists := dict "extraEnv" $v.extraEnv "extraVolumes" $v.extraVolumes "extraContainers" (concat ($v.initContainers | default list) ($v.extraContainers | default list)) }}
{{- range $list, $items := $lists }}
{{- $names := list }}
{{- range $items }}
{{- if has .name $names }}{{ fail (printf "%s: %s is there twice" $list .name) }}{{ end }}
{{- $names = append $names .name }}
{{- end }}
{{- end }}
{{- end }}
