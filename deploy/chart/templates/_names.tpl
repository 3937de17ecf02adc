{{- define "conductor-jwt.name" -}}
{{- $name := .Values.nameOverride | default .Chart.Name }}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "conductor-jwt.selector" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* The labels of an object. */}}
{{- define "conductor-jwt.labels" -}}
{{ include "conductor-jwt.labelsWith" (list . dict) }}
{{- end }}

{{- /* The labels of an object that has further ones: a list of the context and these. */}}
{{- define "conductor-jwt.labelsWith" -}}
{{- $more := last . }}
{{- with first . }}
{{- include "conductor-jwt.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | trimAll "-_." | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with merge (dict) $more .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "conductor-jwt.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "conductor-jwt.serviceAccount" -}}
{{- if .Values.serviceAccount.name }}{{ .Values.serviceAccount.name }}
{{- else if .Values.serviceAccount.create }}{{ include "conductor-jwt.name" . }}
{{- else }}default{{ end }}
{{- end }}

{{- /* "true" if a polled task type needs endpoints on the internet. */}}
{{- define "conductor-jwt.needsInternet" -}}
{{- if or (has "GET_ACCESS_TOKEN" .Values.taskTypes) (has "VERIFY_JWT" .Values.taskTypes) }}true{{ end }}
{{- end }}

{{- /* A Go duration, such as 1m30s, in milliseconds; "" for another text. */}}
{{- define "conductor-jwt.milliseconds" -}}
{{- $total := 0 }}
{{- $unit := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 }}
{{- if regexMatch "^([0-9]+(ms|s|m|h))+$" . }}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" . -1 }}
{{- $total = add $total (mul (regexFind "^[0-9]+" . | int64) (get $unit (regexFind "[a-z]+$" .))) }}
{{- end }}
{{- $total }}
{{- end }}
{{- end }}
