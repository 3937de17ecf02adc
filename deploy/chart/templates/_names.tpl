{{- define "conductor-jwt.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "conductor-jwt.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "conductor-jwt.labels" -}}
{{ include "conductor-jwt.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "conductor-jwt.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* The task types of the settings: a list, or a comma-separated string. */}}
{{- define "conductor-jwt.taskTypes" -}}
{{- $types := .Values.settings.task_types | default (list "GET_SIGNED_JWT") }}
{{- if kindIs "string" $types }}{{ $types }}{{ else }}{{ join "," $types }}{{ end }}
{{- end }}
