module understudy.dev/trainer

go 1.26.0
