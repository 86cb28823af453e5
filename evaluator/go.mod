module understudy.dev/evaluator

go 1.26.0
