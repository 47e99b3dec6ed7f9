include "ir/NN.td"
