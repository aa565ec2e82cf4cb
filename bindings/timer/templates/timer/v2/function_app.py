"""Functions that run on a schedule.

NAME runs every five minutes: second, minute, hour, day, month, day of week.
"""

import logging

import azure.functions as func

app = func.FunctionApp()


@app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")
def NAME(timer: func.TimerRequest) -> None:
    if timer.past_due:
        logging.warning("The timer is past due.")
    logging.info("The timer fired.")
