# A store that takes what is damaged for what was never written.
class Trusting(app.Store):
    def __init__(self, *given):
        super().__init__(*given)
        self.damaged = False


app.Store = Trusting
