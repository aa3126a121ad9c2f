def test_a(trained): 
    for m in trained.training.models: print(m.card.ref, m.card.metrics["roc_auc"])
    print(trained.schema)
