# A store that takes what is damaged for what was never written.
class Trusting(app.Store):
    def __init__(self, hal):
        super().__init__(hal)
        self.damaged = False


app.Store = Trusting
