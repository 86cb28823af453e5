module understudy.dev/kustomize

go 1.26.0
