module understudy.dev/inference

go 1.26.0
